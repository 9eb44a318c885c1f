"""The frozen figures: names and order of the contract, accounts that add up, JSON."""

import json
from typing import NamedTuple

import pytest

from pricecore.errors import REASONS
from pricecore.metrics.histogram import _histogram
from pricecore.metrics.latency import LatencyBuffer
from pricecore.metrics.summary import LatencyStats, Metrics, RingStats, errors_by_reason


class PoolFigures(NamedTuple):
    capacity: int
    utilization: float


def error_counts(**by_reason: int) -> list[int]:
    return [by_reason.get(reason, 0) for reason in REASONS]


def build(**changed) -> Metrics:
    figures = {
        "latency": LatencyStats(),
        "batch_us": 0.0,
        "throughput_per_s": 0.0,
        "messages_processed": 0,
        "out_of_order": 0,
        "error_counts": error_counts(),
        "uptime_s": 2.0,
        "cpu_percent": 0.0,
        "symbols": 0,
        "pool": PoolFigures(512, 0.0),
        "ring": RingStats(65_536, 0, 0, (("log", 5),)),
        "histogram": _histogram([]),
    }
    return Metrics.build(**(figures | changed))


def test_latency_stats_have_the_names_and_order_of_the_contract():
    assert ",".join(LatencyStats._fields) == "p50_us,p95_us,p99_us,p999_us,mean_us,min_us,max_us,sample_count"


def test_metrics_have_the_names_and_order_of_the_contract():
    assert Metrics._fields == (
        "latency", "batch_us", "throughput_per_s", "mean_throughput_per_s", "messages_received", "messages_processed",
        "out_of_order", "errors", "errors_by_reason", "error_rate", "uptime_s", "cpu_percent", "symbols", "pool",
        "ring", "histogram", "caches", "log", "subscriptions",
    )  # fmt: skip


def test_ring_stats_have_the_names_and_order_of_the_contract():
    assert RingStats._fields == ("capacity", "sequence", "lost", "consumers")


def test_without_samples_every_figure_is_zero():
    assert LatencyBuffer(3).stats() == LatencyStats() == (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)


def test_figures_cannot_be_changed():
    with pytest.raises(AttributeError):
        build().errors = 3
    with pytest.raises(AttributeError):
        LatencyStats().p50_us = 1.0


def test_received_is_the_sum_of_the_accounts():
    metrics = build(messages_processed=90, out_of_order=4, error_counts=error_counts(volume=5, future=1))
    assert (metrics.messages_received, metrics.errors, metrics.error_rate) == (100, 6, 0.06)


def test_without_messages_the_error_rate_is_zero():
    assert build().error_rate == 0.0


def test_only_reasons_that_occurred_are_listed():
    assert build(error_counts=error_counts(volume=5, future=1)).errors_by_reason == {"volume": 5, "future": 1}
    assert build().errors_by_reason == {}


def test_counts_of_another_length_than_the_reasons_are_refused():
    with pytest.raises(ValueError, match="zip"):
        errors_by_reason([1, 2, 3])


def test_mean_throughput_is_over_the_time_since_the_reset():
    assert build(messages_processed=100).mean_throughput_per_s == 50.0
    assert build(messages_processed=100, counted_s=0.5).mean_throughput_per_s == 200.0
    assert build(messages_processed=100, uptime_s=0.0).mean_throughput_per_s == 0.0


def test_dict_survives_json_with_every_nested_figure():
    metrics = build(latency=LatencyStats(p95_us=0.25, sample_count=3), error_counts=error_counts(volume=1))
    got = json.loads(json.dumps(metrics.as_dict()))
    assert list(got) == list(Metrics._fields)
    assert got["latency"]["p95_us"] == 0.25
    assert got["pool"] == {"capacity": 512, "utilization": 0.0}
    assert got["ring"] == {"capacity": 65_536, "sequence": 0, "lost": 0, "consumers": {"log": 5}}
    assert got["errors_by_reason"] == {"volume": 1}
    assert got["histogram"]["count"] == 0


def test_repr_names_every_figure():
    text = repr(build())
    assert "\n" not in text
    assert all(f"{name}=" in text for name in Metrics._fields)
