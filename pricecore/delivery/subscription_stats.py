"""What a `Subscription` reports."""

from typing import NamedTuple


class SubscriptionStats(NamedTuple):
    """Figures of one subscription at one moment."""

    delivered: int
    """Records returned."""
    conflated: int
    """Records that were passed over because a newer one of the same symbol and kind came first."""
    lost: int
    """Records that were overwritten in the ring before they could be taken; only with mode "all"."""
    lag_records: int
    """Records published that were not looked at yet."""
