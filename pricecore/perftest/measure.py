"""What is read before and after a run, and what of it belongs to the run."""

import gc
import os
from pathlib import Path
from typing import Any, NamedTuple

from pricecore.metrics.summary import Histogram, LatencyStats

RECORD_BYTES = 64
SAMPLE_BYTES = 8
SLACK_BYTES = 2 << 20
"""Growth that is no leak: the allocator's arenas and the interpreter's caches settle within this."""


class Reading(NamedTuple):
    """The engine and the process at one moment."""

    metrics: Any
    rss_bytes: int | None
    gc_collections: int


def read(engine: Any) -> Reading:
    """Read everything that a run is judged by."""
    return Reading(engine.metrics(), rss_bytes(), sum(generation["collections"] for generation in gc.get_stats()))


def rss_bytes() -> int | None:
    """Return the resident memory of this process, or None where the system does not tell it."""
    try:
        resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return resident_pages * os.sysconf("SC_PAGE_SIZE")


def allowed_growth_bytes(before: Reading, after: Reading) -> int:
    """Return how much resident memory may grow: slack, and what of ring and windows was touched for the first time."""
    ring = after.metrics.ring
    new_cells = min(ring.sequence, ring.capacity) - min(before.metrics.ring.sequence, ring.capacity)
    new_samples = after.metrics.latency.sample_count - before.metrics.latency.sample_count
    return SLACK_BYTES + RECORD_BYTES * new_cells + SAMPLE_BYTES * max(new_samples, 0)


def latency_between(before: Reading, after: Reading) -> tuple[LatencyStats, bool]:
    """Return the service latency of everything between two readings, and whether it is exact.

    It is exact when the windows hold just that. Otherwise they hold older samples too, or only the newest ones, and
    the growth of the cumulative histogram is taken: every update counts, each figure to within 9.1 %.
    """
    grown = growth(before.metrics.histogram, after.metrics.histogram)
    in_windows = after.metrics.latency
    if before.metrics.latency.sample_count == 0 and in_windows.sample_count == grown.count:
        return in_windows, True
    return stats_of(grown), False


def growth(before: Histogram, after: Histogram) -> Histogram:
    """Return what was counted between two states of a cumulative histogram."""
    return Histogram(after.counts - before.counts, (after.sum_ns - before.sum_ns) % (1 << 64))


def stats_of(histogram: Histogram) -> LatencyStats:
    """Return the figures of a window, as well as a histogram knows them."""
    count = histogram.count
    if count == 0:
        return LatencyStats()
    p50_us, p95_us, p99_us, p999_us, min_us, max_us = map(histogram.quantile_us, (0.5, 0.95, 0.99, 0.999, 0.0, 1.0))
    mean_us = histogram.sum_ns / count / 1e3
    return LatencyStats(p50_us, p95_us, p99_us, p999_us, mean_us, min_us, max_us, count)
