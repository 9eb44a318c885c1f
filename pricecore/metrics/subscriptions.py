"""Level 2: what is told of all subscriptions of an engine together."""

from typing import Any, NamedTuple


class SubscriptionGroup(NamedTuple):
    """Figures of the subscriptions that have one name.

    Counts are those since this writer made the engine, also of subscriptions that are gone; `reset_stats` leaves them.
    """

    open: int = 0
    """Subscriptions that exist and were not closed."""
    lag_records: int = 0
    """Records published that the one furthest behind has not looked at yet."""
    lag_s: float = 0.0
    """How long ago the engine took the oldest of those, seconds."""
    delivered: int = 0
    """Records returned."""
    conflated: int = 0
    """Mode "conflate": records passed over for newer ones."""
    lost: int = 0
    """Mode "all": records that were overwritten before they were taken."""


class Subscriptions(NamedTuple):
    """The subscriptions of an engine: counts are the sums over all names, lags those of the furthest behind."""

    open: int
    lag_records: int
    lag_s: float
    delivered: int
    conflated: int
    lost: int
    by_name: dict[str, SubscriptionGroup]
    """By the name that `subscribe` was given, "" for those without. A name stays when its last subscription ends."""

    @classmethod
    def of(cls, by_name: dict[str, SubscriptionGroup]) -> "Subscriptions":
        """Return the sums over these names.

        Threads: any. Cost: allocates; microseconds.
        """
        if not by_name:
            return cls(0, 0, 0.0, 0, 0, 0, by_name)
        open_, lag_records, lag_s, delivered, conflated, lost = zip(*by_name.values(), strict=True)
        return cls(sum(open_), max(lag_records), max(lag_s), sum(delivered), sum(conflated), sum(lost), by_name)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, ready for JSON; those of each name by the name.

        Threads: any. Cost: allocates; microseconds.
        """
        return self._asdict() | {"by_name": {name: group._asdict() for name, group in self.by_name.items()}}


NO_SUBSCRIPTIONS = Subscriptions.of({})
"""Of an engine that never had one."""
