"""Consumers that hold the ring beside a plain-Python model, and their registration in every interleaving."""

from pathlib import Path

import pytest
from helpers.native import build_native
from hypothesis import given, settings
from hypothesis import strategies as st
from models.explore import Violation
from models.gate_protocol import explore
from models.holding_model import HoldingModel

SKIP = 2
CAPACITY = 4
INDEX = st.integers(0, 4)
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, CAPACITY)),
    st.tuples(st.just("register"), INDEX, st.sampled_from("abc"), st.integers(0, 2)),
    st.tuples(st.just("leave"), INDEX),
    st.tuples(st.just("read"), INDEX, st.integers(1, 6)),
    st.tuples(st.just("read in place"), INDEX, st.integers(1, 6)),
)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    return build_native(Path(__file__).parents[1] / "native" / "holding.pyx", tmp_path_factory.mktemp("holding_model"))


def walk(box, model, step):
    """Do one step to both; return what each says of it."""
    action, *values = step
    if action == "publish":
        return box.publish(*values), model.publish(*values)
    i = values[0]
    if action == "leave":
        return box.leave(i), model.leave(i)
    if action == "register":
        if i in model.consumers:
            return None, None
        return box.register(i, *values[1:]), model.register(i, values[1], values[2] == SKIP)
    if i not in model.consumers:
        return None, None
    if action == "read" or model.consumers[i].skips:
        return box.copy(i, values[1]), model.read(i, values[1])
    seen = box.peek(i, values[1])
    box.advance(i, len(seen))
    return (seen, None), model.read(i, len(seen))


@settings(max_examples=500, deadline=None)
@given(steps=st.lists(STEPS, max_size=60))
def test_any_walk_agrees_with_the_model(native, steps):
    box, model = native.HoldingBox(CAPACITY), HoldingModel(CAPACITY)
    for step in steps:
        ours, wanted = walk(box, model, step)
        assert ours == wanted, step
        assert (box.sequence, box.limit) == (model.sequence, model.limit)
    for i, consumer in model.consumers.items():
        assert box.lost(i) == consumer.lost


@pytest.mark.parametrize("chunks", [(1,), (2,), (1, 1), (1, 2), (2, 2)])
def test_registration_loses_nothing_in_any_interleaving(chunks):
    explored = explore(chunks)
    assert {end.split()[0] for end in explored.ends} >= {"look", "left"}


@pytest.mark.parametrize("twin", ["no second look", "limit ahead"])
def test_broken_registration_is_caught(twin):
    with pytest.raises(Violation, match=r"overwritten|beyond"):
        explore((1, 2), twin)
