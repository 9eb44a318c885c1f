"""The gate's arithmetic, and what callgrind's files are read as."""

import gate
import pytest
from benchmarks import callgrind
from benchmarks.loops import LOOPS


@pytest.mark.parametrize(
    ("now", "red"), [(1_000.0, False), (900.0, False), (1_030.0, False), (1_030.1, True), (1_050.0, True)]
)
def test_three_percent_more_is_the_limit(now, red):
    lines = gate.faults({"update": now}, {"update": 1_000.0}, {"update"})
    assert bool(lines) is red
    assert all(line.startswith("SLOWER update: ") and "1,000.0" in line for line in lines)


def test_a_new_call_is_not_judged():
    assert gate.faults({"update": 1.0, "mid": 1e9}, {"update": 1.0}, {"update", "mid"}) == []


def test_a_call_that_cannot_be_made_is_a_fault_and_so_is_one_that_is_counted_no_more():
    lines = gate.faults({}, {"gone": 5.0}, {"update"})
    assert [line.split(":")[0] for line in lines] == ["FAIL gone", "FAIL update"]


def test_the_table_shows_the_change_and_a_dash_where_there_is_nothing_to_compare():
    rows = [line.split() for line in gate.table({"update": 1_050.0, "mid": 7.5}, {"update": 1_000.0})]
    assert rows[1:] == [["update", "1,050.0", "1,000.0", "+5.00%"], ["mid", "7.5", "-", "-"]]


def test_a_baseline_without_its_reason_ends_with_1(tmp_path, monkeypatch, capsys):
    (tmp_path / "baseline.json").write_text('{"a key": {"libraries": {}, "instructions": {"update": 2}}}')
    (tmp_path / "BASELINE.md").write_text("")
    monkeypatch.setattr(gate.baseline, "FOLDER", tmp_path)
    monkeypatch.setattr(gate, "at", lambda commit, name: "")
    assert gate.explained_since("HEAD^") == 1
    assert "baseline.json differs from HEAD^ for a key: give the reason" in capsys.readouterr().out


def readings(*pairs):
    """Return the dumps of loops with these (short, long) counts, each read alike every time, with gaps of 7."""
    counts = [count for pair in pairs for count in pair * callgrind.READINGS]
    return [count for one in counts for count in (one, 7)]


def test_a_count_is_the_difference_of_two_lengths_without_that_of_the_empty_loop():
    calls = LOOPS["update"].calls
    counts = readings((100 + 1_000 * 8, 100 + 3_000 * 8), (500 + calls * 58, 500 + 3 * calls * 58))
    assert callgrind.per_row(["update"], counts) == {"update": 50.0}


def test_a_batch_is_counted_by_the_row():
    way = LOOPS["update_many_100"]
    counts = readings((0, 0), (way.calls * 2_000, 3 * way.calls * 2_000))
    assert callgrind.per_row(["update_many_100"], counts) == {"update_many_100": 20.0}


def test_the_smallest_reading_counts():
    calls = LOOPS["price"].calls
    disturbed = [0, 0] * 3 + [calls * 9, 3 * calls * 9 + 5, calls * 9 + 4_000, 3 * calls * 9, calls * 9, 3 * calls * 9]
    assert callgrind.per_row(["price"], [count for one in disturbed for count in (one, 7)]) == {"price": 9.0}


def test_missing_readings_are_an_error():
    with pytest.raises(RuntimeError, match="expected 6 of each"):
        callgrind.per_row(["update"], readings((1, 2)))


def test_a_dump_without_a_summary_is_an_error(tmp_path):
    (tmp_path / "dump.1-01").write_text("events: Ir\nsummary: 123\n")
    assert callgrind.total(tmp_path / "dump.1-01") == 123
    (tmp_path / "dump.1-01").write_text("events: Ir\n")
    with pytest.raises(RuntimeError, match="no summary"):
        callgrind.total(tmp_path / "dump.1-01")
