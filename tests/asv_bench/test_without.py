"""Taking techniques out: the table holds for the sources as they are, and says what it measured."""

import json
import shutil
from pathlib import Path

import built_copy
import pytest
import without
from benchmarks import callgrind
from benchmarks.loops import LOOPS
from built_copy import Replacement
from techniques.loops import TIMED
from techniques.table import TECHNIQUES
from techniques.timed import Side, in_new_process, ns_by_turns
from without import Row

import pricecore

REPLACEMENTS = [(name, one) for name, technique in TECHNIQUES.items() for one in technique.replacements]
EXTRA = sorted(TIMED.keys() - LOOPS.keys())


@pytest.mark.parametrize(("name", "one"), REPLACEMENTS, ids=[f"{name}-{one.file}" for name, one in REPLACEMENTS])
def test_what_is_replaced_stands_in_the_sources_once(name, one):
    assert (built_copy.ROOT / one.file).read_text().count(one.old) == 1


@pytest.mark.parametrize("technique", TECHNIQUES.values(), ids=TECHNIQUES)
def test_a_technique_can_be_taken_out_in_one_way_and_names_calls_that_there_are(technique):
    assert sum(map(bool, (technique.replacements, technique.environment, technique.instead))) == 1
    assert technique.counted or technique.timed
    assert set(technique.counted) <= LOOPS.keys()
    assert {*technique.timed, *technique.instead, *technique.instead.values()} <= TIMED.keys()
    assert technique.instead.keys() <= set(technique.timed)


def test_the_page_explains_every_technique():
    page = (built_copy.ROOT / "docs" / "techniques.md").read_text()
    assert [name for name in TECHNIQUES if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", EXTRA)
def test_every_loop_of_its_own_runs(name):
    TIMED[name].make()(1)


def test_a_line_gives_both_figures_and_what_the_technique_changes():
    cells = without.line(Row("digits", "update", "instructions", 400.0, 300.0)).split()
    assert cells == ["digits", "update,", "instructions", "400.0", "300.0", "-25.0%"]


def test_a_line_marks_a_change_that_is_not_sure_and_shows_none_of_nothing():
    assert without.line(Row("digits", "update", "ns", 40.0, 39.6, sure=False)).endswith("-1.0% ~")
    assert without.line(Row("copies", "no price", "", 0, 0)).split() == ["copies", "no", "price", "0.0", "0.0"]


def test_a_technique_without_a_sure_gain_is_said_to_buy_nothing(capsys):
    gain = Row("one", "update", "ns", 50.0, 40.0)
    loss = Row("two", "update", "instructions", 390.0, 400.0)
    unsure = Row("two", "update", "ns", 50.0, 49.0, sure=False)
    without.show(iter([[gain], [loss, unsure]]))
    last = capsys.readouterr().out.splitlines()
    assert last[-1] == "two: nothing measurable"
    assert "one: nothing measurable" not in last


@pytest.mark.parametrize(("lower", "sure"), [(8, True), (7, True), (6, False)])
def test_a_time_is_sure_when_seven_of_eight_rounds_agree(lower, sure):
    rounds = [(50.0, 40.0)] * lower + [(50.0, 60.0)] * (8 - lower)
    assert without.is_sure(rounds, better=True) is sure


def test_a_text_that_does_not_stand_there_once_is_not_replaced(tmp_path):
    (tmp_path / "a.pyx").write_text("x = 1\ny = 1\n")
    built_copy.replace(tmp_path, [Replacement("a.pyx", "x = 1", "x = 2")])
    assert (tmp_path / "a.pyx").read_text() == "x = 2\ny = 1\n"
    for old in ("1\n", "2\n"):
        (tmp_path / "a.pyx").write_text("x = 1\ny = 1\n")
        with pytest.raises(RuntimeError, match="not once"):
            built_copy.replace(tmp_path, [Replacement("a.pyx", old, "3\n")])


def test_an_unknown_technique_is_refused_with_those_there_are(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["without.py", "--only", "digits,luck"])
    with pytest.raises(SystemExit):
        without.main()
    assert "no technique luck; there are method_binding" in capsys.readouterr().err


def test_both_sides_are_timed_in_processes_of_their_own():
    side = Side(Path(pricecore.__file__).parents[1], "counter_add", {})
    [(first, second)] = ns_by_turns((side, side), 1)
    assert first > 0
    assert second > 0


def test_beside_a_stopped_writer_there_is_always_a_price():
    side = Side(Path(pricecore.__file__).parents[1], "", {})
    figures = json.loads(in_new_process("beside_writer", side))
    assert next(iter(figures.values())) == 0


@pytest.mark.slow
@pytest.mark.skipif(not callgrind.is_available(), reason="valgrind is not installed")
def test_sorting_in_place_of_selecting_takes_more_instructions(tmp_path):
    """Of the copy only the changed module is compiled; the others are those that are installed."""
    technique = TECHNIQUES["selection_of_percentiles"]
    changed = {one.file for one in technique.replacements}
    copy = built_copy.copy_sources(tmp_path / "copy")
    installed = Path(pricecore.__file__).parent
    for library in installed.rglob("*.so"):
        shutil.copy2(library, copy / "pricecore" / library.relative_to(installed))
    for source in (copy / "pricecore").rglob("*.pyx"):
        if source.relative_to(copy).as_posix() not in changed:
            source.unlink()
    built_copy.replace(copy, technique.replacements)
    built_copy.build(copy)
    [row] = without.counts(technique, (copy, installed.parent))
    assert row.call == "metrics"
    assert row.without > 2 * row.with_it
    assert without.buys([row])
