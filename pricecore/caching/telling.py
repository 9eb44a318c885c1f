"""Level 3: calls the user's `on_evict`, whose errors are nobody's who happened to use the cache."""

from collections.abc import Callable
from traceback import format_exc

from pricecore.metrics.log import warn_throttled

REASONS = ("capacity", "expired", "deleted")
"""Why an entry left, by the code that store.pxd uses."""


def tell_evicted(on_evict: Callable[[object, object, str], object], key: object, value: object, reason: int) -> bool:
    """Return whether `on_evict` went well; an error of its own is logged, at most once a second."""
    try:
        on_evict(key, value, REASONS[reason])
    except Exception:
        warn_throttled("on_evict", "on_evict of a cache raised:\n%s", format_exc())
        return False
    return True
