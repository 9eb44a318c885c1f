"""Figures of a state and of a performance test, under the names that they have everywhere."""

import re

from pricecore import PriceCache, PriceEngine, attach
from pricecore.observe import dashboard_state
from pricecore.observe.figures import report_figures, statistics


def test_the_statistics_have_every_figure_of_the_state(tmp_path):
    with PriceEngine(on_bad="count", log=tmp_path) as engine:
        engine.update("A", 2.0, timestamp_ns=2 * 10**18 // 2)
        engine.update("A", 2.0, timestamp_ns=2 * 10**18 // 2 - 1)
        for price in (float("nan"), -1.0, -2.0):
            engine.update("A", price)
        engine.add_cache("slow", PriceCache(5))
        consumer = engine.consumer("audit")
        subscriptions = [engine.subscribe(name=name) for name in ("risk", "page", "page", None)]
        groups = statistics(dashboard_state(engine))
        consumer.close()
        del subscriptions
    assert list(groups) == [
        "Latency",
        "Updates",
        "Errors by reason",
        "Process",
        "Buffer pool",
        "Ring",
        "Consumers",
        "Subscriptions",
        "Subscribers",
        "Event log",
        "Cache slow",
    ]
    assert groups["Updates"] == {
        "received": "5",
        "processed": "1",
        "out of order": "1",
        "errors": "3",
        "symbols": "1",
        "mean rate": groups["Updates"]["mean rate"],
    }
    assert [*groups["Errors by reason"].values()] == ["2", "1"], "the most frequent one first"
    assert groups["Latency"]["samples"] == "1"
    assert groups["Latency"]["mean"].endswith(" us")
    assert groups["Consumers"]["audit"] == "0 behind"
    assert groups["Subscriptions"] == {"open": "4", "behind": "0", "lost": "0", "delivered": "0", "conflated": "0"}
    assert groups["Subscribers"] == {"risk": "0 behind", "page": "0 behind (2 open)", "without a name": "0 behind"}
    assert groups["Event log"]["durability"] == "os"
    assert groups["Cache slow"]["entries"] == "0 of 5"


def test_what_a_view_does_not_know_of_a_log_is_not_told_as_zero(tmp_path):
    with PriceEngine("md", log=tmp_path), attach("md") as view:
        log = statistics(dashboard_state(view))["Event log"]
    assert log["commit p95"] == "-"
    assert "folder" not in log


def test_subscriptions_without_names_are_told_in_sum_alone_and_gone_ones_not_at_all():
    with PriceEngine(ring_capacity=1_024) as engine:
        subscriptions = [engine.subscribe(mode="all"), engine.subscribe()]
        for price in range(1, 1_124):
            engine.update("A", price)
        groups = statistics(dashboard_state(engine))
        assert re.fullmatch(r"1,124 \(\d+\.\d s\)", groups["Subscriptions"]["behind"])
        assert "Subscribers" not in groups
        subscriptions[0].poll()
        assert statistics(dashboard_state(engine))["Subscriptions"]["lost"] == "100"
        subscriptions.clear()
        groups = statistics(dashboard_state(engine))
        assert not {"Subscriptions", "Subscribers"} & set(groups)
        assert groups["Ring"]["lost by readers"] == "100"


def test_what_a_subscriber_lost_stands_behind_its_name():
    group = {"open": 3, "lag_records": 1_200, "lag_s": 0.5, "delivered": 9, "conflated": 0, "lost": 7}
    with PriceEngine() as engine:
        state = dashboard_state(engine)
    state["subscriptions"] = group | {"by_name": {"risk": group, "gone": group | {"open": 0}}}
    assert statistics(state)["Subscribers"] == {"risk": "1,200 behind (3 open, 7 lost)"}


def test_an_engine_without_updates_has_no_latency_rather_than_zero():
    with PriceEngine() as engine:
        groups = statistics(dashboard_state(engine))
    assert groups["Latency"] == {"mean": "-", "min": "-", "max": "-", "p99.9": "-", "samples": "0"}
    assert "Errors by reason" not in groups
    assert "Event log" not in groups


def test_the_details_of_a_test_have_units():
    with PriceEngine() as engine:
        lines = report_figures(engine.run_performance_test(100))
    assert lines["applied"] == "100 of 100"
    assert lines["p95"].endswith("target below 1 ms")
    assert lines["memory"].endswith(" MiB")
