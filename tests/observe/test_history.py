"""The last points of the lines that are drawn."""

import pytest

from pricecore import attach
from pricecore.observe import History, dashboard_state


def test_never_more_than_the_points_asked_for(engine):
    engine.update("A", 1.0)
    history = History()
    for _ in range(60):
        history.add(dashboard_state(engine))
    series = history.series()
    assert {name: len(line) for name, line in series.items()} == dict.fromkeys(
        ("time_s", "p50_us", "p95_us", "p99_us", "throughput_per_s"), 50
    )
    assert len(history) == 50


def test_the_oldest_point_goes_first(engine):
    engine.update("A", 1.0)
    history, state = History(3), dashboard_state(engine)
    for second in range(5):
        history.add(state | {"time_ns": second * 10**9, "throughput_per_s": 2.0 * second})
    assert history.series()["time_s"] == [2.0, 3.0, 4.0]
    assert history.series()["throughput_per_s"] == [4.0, 6.0, 8.0]
    assert history.series()["p95_us"] == [state["latency"]["p95_us"]] * 3


def test_gap_while_there_is_nothing_to_show(engine):
    history = History()
    history.add(dashboard_state(engine))  # no sample yet
    engine.update("A", 1.0)
    history.add(dashboard_state(engine))
    engine.close()
    history.add(dashboard_state(engine))
    for name, line in history.series().items():
        assert [value is None for value in line] == ([False] * 3 if name == "time_s" else [True, False, True])


def test_gap_while_the_writer_is_gone_whose_last_samples_are_still_there(engine):
    engine.update("A", 1.0)
    history = History()
    with attach("md") as view:
        engine.close()
        state = dashboard_state(view)
    assert state["latency"]["sample_count"] == 1
    history.add(state)
    assert (history.series()["p50_us"], history.series()["throughput_per_s"]) == ([None], [None])


def test_empty_history_has_its_lines():
    history = History()
    assert history.series() == {"time_s": [], "p50_us": [], "p95_us": [], "p99_us": [], "throughput_per_s": []}
    history.clear()
    assert len(history) == 0


def test_history_of_no_points_is_refused():
    with pytest.raises(ValueError, match="points is 0"):
        History(0)
