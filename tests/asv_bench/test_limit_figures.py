"""The table of hot calls beside their rivals: every row is measured, and what is missing is said."""

import json
import sys

import limit_figures
import pytest
from beside_rivals import rounds


def printed(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["limit_figures.py", "--quick", *arguments])
    limit_figures.main()
    return capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "figures"),
    [("updates", 4), ("reads", 2), ("structures", 3), ("imports", 1)],
)
def test_every_row_is_measured_beside_its_rival(name, figures, monkeypatch, capsys):
    rows = json.loads(printed(monkeypatch, capsys, "--json", "--only", name).out)
    assert len(rows) >= figures
    for row in rows:
        assert row["ours"] > 0, row
        assert row["theirs"] is None or row["theirs"] > 0, row


def test_rows_beside_the_reference_engines_need_their_command(monkeypatch, capsys):
    shown = printed(monkeypatch, capsys, "--only", "reference,batches")
    assert shown.err.count("SKIP") == 2
    assert "--reference COMMAND" in shown.err


def test_the_figures_of_the_reference_engines_are_their_medians_of_cpu_time(tmp_path, monkeypatch, capsys):
    command = tmp_path / "reference.py"
    medians = {"limit": {f"batch_{n}_two_stamps_per_batch_ns_per_update": {"cpu_median": 1e9} for n in (100, 10_000)}}
    command.write_text(f"print({json.dumps(json.dumps(medians | {'about': {'cpus': 2}}))})")
    rounds.reference.cache_clear()
    arguments = ("--json", "--only", "batches", "--reference", f"{sys.executable} {command}")
    rows = json.loads(printed(monkeypatch, capsys, *arguments).out)
    assert {row["theirs"] for row in rows} == {1e9}
    assert [row["limit"] for row in rows] == [2.0, None, 5.0, None]


def test_a_loop_around_the_calls_is_taken_off():
    times = rounds.medians({"loop": lambda: None, "work": lambda: sum(range(50_000))}, 5, operations=1)
    assert set(times) == {"work"}
    assert times["work"] > 0
