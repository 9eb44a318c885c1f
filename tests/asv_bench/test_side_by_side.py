"""The report of times: mean, 95 % interval, ratio."""

import pytest
import side_by_side
from benchmarks.loops import LOOPS, expected


def test_the_report_gives_mean_interval_and_ratio_a_call(capsys):
    samples = {"time_pricecore": [900.0, 1_100.0], "time_dict": [2_000.0, 2_000.0]}
    side_by_side.report("SingleUpdate", 10, samples)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["SingleUpdate"]
    assert rows[1] == ["pricecore", "100.0", "ns", "+-", "19.6"]  # 1.96 * 14.14 / sqrt(2)
    assert rows[2] == ["dict", "200.0", "ns", "+-", "0.0", "2.00", "x", "ours"]


def test_every_suite_names_ours_first_and_its_loop_exists():
    suites = list(side_by_side.suites())
    assert {suite.__name__ for suite in suites} >= {
        "SingleUpdate",
        "BatchUpdate",
        "FourThreads",
        "Metrics",
        "CounterAdd",
    }
    for suite in suites:
        assert side_by_side.methods(suite)[0] == "time_pricecore"
        for value in getattr(suite, "params", ("",)):
            loop = suite.ours.format(value)
            assert loop in LOOPS


def test_a_batch_is_reported_by_the_row():
    titles = {title: operations for title, operations, _ in side_by_side.cases(side_by_side.engine.BatchUpdate)}
    assert titles == {"BatchUpdate: 100": 100, "BatchUpdate: 1000": 1_000, "BatchUpdate: 10000": 10_000}


def test_a_suite_whose_call_an_older_version_lacks_is_skipped():
    suite = side_by_side.Suite()
    suite.ours = "no_such_call"
    with pytest.raises(NotImplementedError, match="this version cannot do it"):
        suite.setup()


@pytest.mark.parametrize("name", [name for name in LOOPS if name in expected()])
def test_every_loop_runs(name):
    LOOPS[name].make()(LOOPS[name].calls)  # not ready(), which keeps it, and whoever runs beside it, to the end
