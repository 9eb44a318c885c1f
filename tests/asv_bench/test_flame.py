"""The flame graph: stacks as perf prints them become boxes as wide as their share."""

import xml.etree.ElementTree as ElementTree

import flame
import pytest

SCRIPT = """python 100 1.0: cpu-clock:
\t55d2 __pyx_f_9pricecore_6engine_7updater_put_trade+0x1a (/lib/updater.so)
\t55d1 _PyEval_EvalFrameDefault+0x99 (/usr/bin/python3)

python 100 2.0: cpu-clock:
\t55d1 _PyEval_EvalFrameDefault+0x12 (/usr/bin/python3)

python 100 3.0: cpu-clock:
\t7f00 [unknown] (/lib/libc.so.6)
\t55d1 _PyEval_EvalFrameDefault+0x12 (/usr/bin/python3)
"""


def graph():
    root = flame.Frame()
    for stack in flame.stacks(SCRIPT.splitlines(keepends=True)):
        root.add(stack)
    return root


def test_stacks_begin_with_the_outermost_caller():
    stacks = list(flame.stacks(SCRIPT.splitlines(keepends=True)))
    assert [len(stack) for stack in stacks] == [2, 1, 2]
    assert {stack[0] for stack in stacks} == {"_PyEval_EvalFrameDefault"}
    assert stacks[2][1] == "libc.so.6"


def test_a_box_is_as_wide_as_its_share_and_stands_on_its_caller():
    boxes = {name: (samples, depth, width) for name, samples, _left, depth, width in flame.boxes(graph(), 0, 0, 10.0)}
    assert boxes["_PyEval_EvalFrameDefault"] == (3, 0, 30.0)
    assert boxes["__pyx_f_9pricecore_6engine_7updater_put_trade"] == (1, 1, 10.0)


def test_the_drawing_is_a_picture_with_the_share_of_each_box():
    picture = ElementTree.fromstring("\n".join(flame.drawing(graph(), "a < b")))
    titles = [element.text for element in picture.iter() if element.tag.endswith("title")]
    assert "_PyEval_EvalFrameDefault: 100.0% of the samples" in titles
    assert len(titles) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("__pyx_f_9pricecore_6engine_7updater_put_trade", "engine.updater.put_trade"),
        ("__pyx_pw_9pricecore_6engine_7updater_7Updater_1update", "engine.updater.Updater.update"),
        ("_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault"),
    ],
)
def test_names_of_ours_are_shown_as_they_are_written(name, text):
    assert flame.readable(name) == text


def test_nothing_seen_is_an_empty_picture():
    picture = ElementTree.fromstring("\n".join(flame.drawing(flame.Frame(), "nothing")))
    assert "0 samples" in "".join(picture.itertext())
