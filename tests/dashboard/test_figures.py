"""What the page writes, as plain text."""

import math

import pytest

from pricecore import PriceCache, PriceEngine
from pricecore.dashboard.figures import duration, report_lines, statistics, target
from pricecore.dashboard.prices import shown
from pricecore.observe import dashboard_state, price_rows


def test_the_statistics_have_every_figure_of_the_state(tmp_path):
    with PriceEngine(on_bad="count", log=tmp_path) as engine:
        engine.update("A", 2.0, timestamp_ns=2 * 10**18 // 2)
        engine.update("A", 2.0, timestamp_ns=2 * 10**18 // 2 - 1)
        engine.update("A", -1.0)
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
        "received": "3",
        "processed": "1",
        "out of order": "1",
        "errors": "1",
        "symbols": "1",
    }
    assert groups["Errors by reason"] == {"price_not_positive": "1"}
    assert groups["Latency"]["samples"] == "1"
    assert groups["Latency"]["mean"].endswith(" µs")
    assert groups["Consumers"]["audit"] == "0 behind"
    assert groups["Event log"]["level"] == "os"
    assert groups["Cache slow"]["entries"] == "0 of 5"


def test_an_engine_without_updates_has_no_latency_rather_than_zero():
    with PriceEngine() as engine:
        groups = statistics(dashboard_state(engine))
    assert groups["Latency"] == {"mean": "-", "min": "-", "max": "-", "p99.9": "-", "samples": "0"}
    assert "Errors by reason" not in groups
    assert "Event log" not in groups


def test_prices_of_one_symbol_have_the_same_decimals():
    with PriceEngine() as engine:
        engine.update("A", 1.5, change_24h=-2.345)
        engine.update_quote("A", 1.4999, 1.5)
        (row,) = price_rows(engine)["rows"]
    written = shown(row)
    assert (written["price"], written["bid"], written["ask"]) == ("1.5000", "1.4999", "1.5000")
    assert (written["change"], written["volume"], written["state"]) == ("-2.35 %", "-", "fresh")


def test_a_price_far_from_one_is_written_without_an_exponent():
    row = dict.fromkeys(("bid", "ask", "change_24h", "age_s")) | {"symbol": "A", "volume": 0.0, "stale": True}
    assert shown(row | {"price": 1e-7})["price"] == "0.0000001"
    assert shown(row | {"price": 1e15})["price"] == "1,000,000,000,000,000.00"
    assert shown(row | {"price": math.pi * 1e-30})["price"] == "0.0000000000"


@pytest.mark.parametrize(
    ("volume", "written"),
    [(None, "-"), (0.0, "-"), (1.0, "1"), (9e-5, "0.00009"), (1.5e6, "1,500,000"), (0.1, "0.1"), (2e-30, "2e-30")],
)
def test_a_volume_is_written_in_its_shortest_form(volume, written):
    row = dict.fromkeys(("price", "bid", "ask", "change_24h", "age_s")) | {"symbol": "A", "stale": True}
    assert shown(row | {"volume": volume})["volume"] == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.4, "0 s"), (61, "1 min 1 s"), (3_600, "1 h 0 min"), (93_784, "1 d 2 h")],
)
def test_a_duration_has_two_units(seconds, written):
    assert duration(seconds) == written


def test_the_target_is_written_in_the_unit_that_people_use():
    assert (target(1_000.0), target(0.5)) == ("below 1 ms", "below 0.5 µs")


def test_the_details_of_a_test_have_units():
    with PriceEngine() as engine:
        lines = report_lines(engine.run_performance_test(100))
    assert lines["applied"] == "100 of 100"
    assert lines["p95"].endswith("target below 1 ms")
    assert lines["memory"].endswith(" MiB")
