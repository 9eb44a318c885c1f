"""Level 3: what a `Subscription` reports."""

from typing import NamedTuple


class SubscriptionStats(NamedTuple):
    """Figures of one subscription at one moment."""

    delivered: int
    """Records returned."""
    conflated: int
    """Mode "conflate": records passed over because a newer one of the same symbol and kind was there. What the ring
    overwrote before it was looked at is not in it."""
    lost: int
    """Mode "all": records that were overwritten in the ring before they were taken, of whatever symbol."""
    pending: int
    """Mode "conflate": symbols and kinds with news that were not taken yet; never more than there are."""
    lag_records: int
    """Records published that were not looked at yet."""
    lag_s: float
    """How long ago the oldest of them was taken by the engine, seconds; 0.0: there is none."""
