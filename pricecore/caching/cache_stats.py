"""Level 3: what a `PriceCache` reports."""

from typing import NamedTuple

from pricecore.metrics.summary import LatencyStats


class CacheStats(NamedTuple):
    """Figures of a cache at one moment, since its birth or the last `reset_stats`."""

    capacity: int
    """Entries that it keeps at most."""
    size: int
    """Entries that it holds; those that have expired and are not collected yet are among them."""
    hits: int
    misses: int
    hit_rate: float
    """Hits of all hits and misses, 0 to 1; 0.0 before the first."""
    evictions: dict[str, int]
    """Entries that have left, by reason: "capacity", "expired", "deleted"."""
    loads: int
    """Calls of the loader that have ended, well or not."""
    load_errors: int
    load_latency: LatencyStats
    """Of the last 1,000 loads."""
    callback_errors: int
    """Calls of `on_evict` that raised."""
