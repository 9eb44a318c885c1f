"""Counts from a moment on, without a reset of the engine."""

import time

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, attach
from pricecore.observe import Counted, count_from, dashboard_state


def test_counts_begin_at_the_base(source, engine):
    engine.update("A", 1.0)
    engine.update("A", -1.0)
    base = dashboard_state(source)
    for price in (2.0, 3.0, float("nan"), 4.0):
        engine.update("A", price)
    state = count_from(dashboard_state(source), base)
    assert (state["messages_received"], state["messages_processed"], state["errors"]) == (4, 3, 1)
    assert state["errors_by_reason"] == {"price_not_finite": 1}
    assert state["error_rate"] == 0.25
    assert state["counted_since_ns"] == base["time_ns"]
    assert state["histogram"]["count"] == 3
    assert sum(state["histogram"]["buckets"].values()) + state["histogram"]["zero_count"] == 3
    assert 0 < state["uptime_s"] < dashboard_state(source)["uptime_s"]
    assert state["mean_throughput_per_s"] == pytest.approx(3 / state["uptime_s"])


def test_window_and_levels_stay_those_of_the_engine(source, engine):
    engine.update("A", 1.0)
    base = dashboard_state(source)
    engine.update("B", 2.0)
    whole = dashboard_state(source)
    state = count_from(whole, base)
    for name in ("latency", "symbols", "ring", "pool", "time_ns", "status"):
        assert state[name] == whole[name]
    assert set(state) == set(whole)


def test_sum_of_the_histogram_that_wrapped_is_still_a_difference(engine):
    engine.update("A", 1.0)
    base = dashboard_state(engine)
    base["histogram"] = base["histogram"] | {"sum_ns": 2**64 - 5}
    engine.update("A", 1.0)
    state = dashboard_state(engine)
    sum_ns = state["histogram"]["sum_ns"]
    assert count_from(state, base)["histogram"]["sum_ns"] == sum_ns + 5


def test_base_is_kept_while_the_engine_goes_on(engine):
    counted = Counted(dashboard_state(engine))
    for k in range(1, 4):
        engine.update("A", 1.0)
        assert counted.of(dashboard_state(engine))["messages_processed"] == k
    assert counted.base is not None


def test_without_a_base_states_are_as_they_are(engine):
    state = dashboard_state(engine)
    assert Counted().of(state) is state


def test_reset_drops_the_base(engine):
    engine.update("A", 1.0)
    engine.update("A", 1.0)
    counted = Counted(dashboard_state(engine))
    engine.reset_stats()
    engine.update("A", 1.0)
    state = counted.of(dashboard_state(engine))
    assert (state["messages_processed"], state["counted_since_ns"], counted.base) == (1, None, None)


def test_reset_is_seen_although_more_came_since_than_before_it(engine):
    engine.update("A", 1.0)
    counted = Counted(dashboard_state(engine))
    time.sleep(0.05)
    engine.reset_stats()
    for _ in range(10):
        engine.update("A", 1.0)
    state = counted.of(dashboard_state(engine))
    assert (state["messages_processed"], counted.base) == (10, None)


def test_another_writer_drops_the_base():
    engine = PriceEngine("md", **SMALL)
    with attach("md") as view:
        counted = Counted(dashboard_state(view))
        engine.close()
        assert counted.of(dashboard_state(view))["counted_since_ns"] is not None  # still the same writer's
        with PriceEngine("md", **SMALL) as again:
            again.update("A", 1.0)
            state = counted.of(dashboard_state(view))
    assert (state["messages_processed"], counted.base) == (1, None)


def test_state_without_figures_is_returned_as_it_is_and_drops_nothing(engine):
    view = attach("md")
    counted = Counted(dashboard_state(view))
    view.close()
    state = dashboard_state(view)
    assert counted.of(state) is state
    assert counted.base is not None
    assert count_from(dashboard_state(engine), state)["counted_since_ns"] is None  # and it is no base


def test_mean_of_no_time_at_all_is_nothing(engine):
    engine.update("A", 1.0)
    state = dashboard_state(engine)
    assert count_from(state, state)["mean_throughput_per_s"] == 0.0
