"""Level 5: the names under which a cache's figures stand in the segment, and what a view makes of them."""

from collections.abc import Mapping

from pricecore.caching.cache_stats import CacheStats
from pricecore.metrics.summary import LatencyStats

COUNTS = ("capacity", "size", "full", "expired", "deleted", "hits", "misses", "told_bad", "loads", "failed")
LATENCIES = ("p50_us", "p95_us", "p99_us", "p999_us", "mean_us", "min_us", "max_us", "samples")
FIELDS = COUNTS + LATENCIES
"""In the order in which cache_figures.pyx writes them."""


def figure_names(name: str) -> list[bytes]:
    """Return the names of a cache's figures, in their order."""
    return [f"cache/{name}/{field}".encode() for field in FIELDS]


def caches_in(figures: Mapping[str, float]) -> dict[str, CacheStats]:
    """Return the caches of which these figures of a segment tell; a capacity of 0 is that of a writer before."""
    found: dict[str, dict[str, float]] = {}
    for figure, value in figures.items():
        kind, _, rest = figure.partition("/")
        name, _, field = rest.partition("/")
        if kind == "cache" and field in FIELDS:
            found.setdefault(name, dict.fromkeys(FIELDS, 0.0))[field] = value
    return {name: _stats(values) for name, values in found.items() if values["capacity"] >= 1}


def _stats(values: Mapping[str, float]) -> CacheStats:
    counts = {field: max(0, int(values[field])) for field in COUNTS}
    asked = counts["hits"] + counts["misses"]
    return CacheStats(
        capacity=counts["capacity"],
        size=counts["size"],
        hits=counts["hits"],
        misses=counts["misses"],
        hit_rate=counts["hits"] / asked if asked else 0.0,
        evictions={"capacity": counts["full"], "expired": counts["expired"], "deleted": counts["deleted"]},
        loads=counts["loads"],
        load_errors=counts["failed"],
        load_latency=_latency(values),
        callback_errors=counts["told_bad"],
    )


def _latency(values: Mapping[str, float]) -> LatencyStats:
    return LatencyStats(
        p50_us=values["p50_us"],
        p95_us=values["p95_us"],
        p99_us=values["p99_us"],
        p999_us=values["p999_us"],
        mean_us=values["mean_us"],
        min_us=values["min_us"],
        max_us=values["max_us"],
        sample_count=max(0, int(values["samples"])),
    )
