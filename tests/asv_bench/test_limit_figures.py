"""The table of hot calls beside their rivals: every row is measured, and what is missing is said."""

import importlib
import json
import sys
import time

import limit_figures
import pytest
from beside_rivals import rounds, threads


@pytest.fixture
def reference(tmp_path):
    """Return a command that prints these figures as the reference engines do."""

    def command(engines):
        path = tmp_path / "reference.py"
        path.write_text(f"print({json.dumps(json.dumps(engines | {'about': {'cpus': 2}}))})")
        return f"{sys.executable} {path}"

    return command


def printed(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["limit_figures.py", "--quick", *arguments])
    limit_figures.main()
    return capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "figures"),
    [("updates", 4), ("reads", 2), ("structures", 3), ("caches", 6), ("imports", 1), ("threads", 3)],
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


def test_the_figures_of_the_reference_engines_are_their_medians_of_cpu_time(reference, monkeypatch, capsys):
    medians = {"limit": {f"batch_{n}_two_stamps_per_batch_ns_per_update": {"cpu_median": 1e9} for n in (100, 10_000)}}
    arguments = ("--json", "--only", "batches", "--reference", reference(medians))
    rows = json.loads(printed(monkeypatch, capsys, *arguments).out)
    assert {row["theirs"] for row in rows} == {1e9}
    assert [row["limit"] for row in rows] == [2.0, None, 5.0, None]


def test_a_loop_around_the_calls_is_taken_off():
    times = rounds.medians({"loop": lambda: None, "work": lambda: sum(range(50_000))}, 5, operations=1)
    assert set(times) == {"work"}
    assert times["work"] > 0


def test_a_body_that_goes_round_once_for_many_operations_is_not_charged_with_the_loop():
    bodies = {"loop": lambda: sum(range(50_000)), "batch": lambda: None}
    assert rounds.medians(bodies, 5, operations=1)["batch"] < 0
    assert rounds.medians(bodies, 5, operations=1, without=("batch",))["batch"] >= 0


def test_single_updates_side_by_side_need_an_interpreter_without_a_gil(monkeypatch, capsys):
    monkeypatch.setattr(threads, "has_gil", lambda: True)
    shown = printed(monkeypatch, capsys, "--only", "free-threaded")
    assert shown.err.count("SKIP") == 1
    assert "need an interpreter without a GIL" in shown.err


def test_what_a_second_thread_gives_is_compared_with_what_it_gives_the_reference_engine(reference, monkeypatch, capsys):
    monkeypatch.setattr(threads, "has_gil", lambda: False)
    rates = {"one_thread_per_s": {"median": 8e6}, "two_threads_per_s": {"median": 4e6}}
    command = reference({"limit": {"threads": {"sustained": rates}}})
    rows = json.loads(printed(monkeypatch, capsys, "--json", "--only", "free-threaded", "--reference", command).out)
    assert [row["limit"] for row in rows] == [1.7, 1.0, 1.5]
    assert all(row["least"] for row in rows)
    own, handles, beside_reference = rows
    assert own["theirs"] > 0
    assert beside_reference["theirs"] == 0.5
    assert beside_reference["ours"] == pytest.approx(handles["ratio"])


def test_two_threads_in_one_cache_are_compared_with_one(monkeypatch, capsys):
    monkeypatch.setattr(threads, "has_gil", lambda: False)
    rows = json.loads(printed(monkeypatch, capsys, "--quick", "--json", "--only", "free-threaded-caches").out)
    assert [row["theirs"] > 0 for row in rows] == [True, True]
    assert all(row["least"] for row in rows)


def test_threads_are_timed_from_the_first_start_to_the_last_end():
    assert 0.05 <= threads.side_by_side([lambda: None, lambda: time.sleep(0.05)]).wall_s < 10.0


@pytest.mark.parametrize("waited", [0.0, 0.9], ids=["undisturbed", "none is"])
def test_the_rate_of_a_team_counts_the_updates_of_all_its_threads(monkeypatch, waited):
    rounds = [threads.Round(wall_s, waited) for wall_s in (9.0, 1.0, 2.0, 8.0)]
    taken = iter([one for one in rounds for _ in range(2)])  # the first is to warm up
    monkeypatch.setattr(threads, "side_by_side", lambda _: next(taken))
    teams = {"one": lambda: [print], "two": lambda: [print, print]}
    assert threads.rates(teams, 100, 3) == {"one": 50.0, "two": 100.0}


def test_rounds_in_which_a_thread_had_no_core_are_left_out(monkeypatch):
    taken = iter([threads.Round(9.0, 0.0), threads.Round(2.0, 0.0), threads.Round(8.0, 0.2), threads.Round(8.0, 0.3)])
    monkeypatch.setattr(threads, "side_by_side", lambda _: next(taken))
    assert threads.rates({"one": lambda: [print]}, 100, 3) == {"one": 50.0}


def test_asv_follows_every_row_that_has_a_limit(reference, monkeypatch):
    limit = importlib.import_module("benchmarks.limit")
    figure = {"cpu_median": 1e3}
    engines = {
        "seed": {"single_ns": figure, "get_metrics_full_mostly_distinct_us": figure},
        "limit": {f"batch_{n}_two_stamps_per_batch_ns_per_update": figure for n in (100, 10_000)},
    }
    monkeypatch.setenv("PRICECORE_REFERENCE", reference(engines))
    missing = set(limit.FIGURES) - limit.ratios(quick=True).keys()
    assert missing <= {
        "AtomicCounter.add",
        "update_many, 10,000 by name, a row",
        "PriceCache: Zipf, get, put on a miss",
        "PriceCache.get, a hit",
        "PriceCache.put that evicts",
        "PriceCache: memory, an entry",
    }  # rivals without a build for all Pythons
