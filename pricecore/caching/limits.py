"""Level 3: what the parameters of a cache may be."""

import operator
from numbers import Real
from typing import SupportsIndex

MAX_CAPACITY = 1 << 30
MAX_TTL_S = 1e9


def check_capacity(capacity: SupportsIndex) -> int:
    """Return how many entries a cache keeps; ValueError, TypeError when it is no such number."""
    if isinstance(capacity, bool) or not hasattr(capacity, "__index__"):
        raise TypeError(f"capacity must be an int, not {capacity!r}")
    entries = operator.index(capacity)
    if not 1 <= entries <= MAX_CAPACITY:
        raise ValueError(f"capacity is {entries}; it must lie between 1 and {MAX_CAPACITY:,} entries")
    return entries


def check_ttl_ns(ttl_s: float | None) -> int:
    """Return a time to live in ns, at least 1; 0 for None. ValueError, TypeError when it is none."""
    if ttl_s is None:
        return 0
    if not isinstance(ttl_s, Real) or isinstance(ttl_s, bool):
        raise TypeError(f"ttl_s must be a number of seconds, or None, not {ttl_s!r}")
    if not 0 < ttl_s <= MAX_TTL_S:  # NaN is neither
        raise ValueError(
            f"ttl_s is {ttl_s!r}; it must be above 0 and at most {MAX_TTL_S:g} seconds, or None for the cache's own"
        )
    return max(1, round(ttl_s * 1e9))


def check_callable(name: str, given: object) -> object:
    """Return `given`, a callable or None; TypeError names the option."""
    if given is not None and not callable(given):
        raise TypeError(f"{name} must be callable, or None, not {given!r}")
    return given
