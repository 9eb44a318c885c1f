"""Figures of a state and of a performance test, under the names that they have everywhere."""

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
        groups = statistics(dashboard_state(engine))
        consumer.close()
    assert list(groups) == [
        "Latency",
        "Updates",
        "Errors by reason",
        "Process",
        "Buffer pool",
        "Ring",
        "Consumers",
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
    assert groups["Event log"]["durability"] == "os"
    assert groups["Cache slow"]["entries"] == "0 of 5"


def test_what_a_view_does_not_know_of_a_log_is_not_told_as_zero(tmp_path):
    with PriceEngine("md", log=tmp_path), attach("md") as view:
        log = statistics(dashboard_state(view))["Event log"]
    assert log["commit p95"] == "-"
    assert "folder" not in log


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
