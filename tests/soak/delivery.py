"""What one subscriber was given: each record once and in its order, what it lost told exactly, and how late it came."""

import time

import numpy as np
from numpy.typing import NDArray

from pricecore import Subscription

_WINDOW = 65_536


class OrderError(AssertionError):
    """A subscriber was given what it must not be given, or not told what it lost."""


class Delivery:
    """Takes the batches of one subscription.

    Parameters
    ----------
    name : str
        Of the subscriber.
    every : bool
        Mode "all": of the sequences since the subscription began each is delivered, or counted as lost, or is of a
        record that no subscription delivers (SYMBOL, VOID).

    Threads: one takes, one asks.
    """

    def __init__(self, name: str, every: bool) -> None:
        self.name, self.every = name, every
        self.received = self.lost = self.lost_before = 0
        self._first = self._last = self._given = 0
        self._delays_us = np.zeros(_WINDOW)
        self._fresh = 0

    def begin(self, subscription: Subscription) -> None:
        """A new subscription of this subscriber."""
        self._first = subscription.next_sequence
        self._last, self._given = self._first - 1, 0
        self.lost_before, self.lost = self.lost_before + self.lost, 0

    @property
    def lost_in_all(self) -> int:
        return self.lost_before + self.lost

    def take(self, batch: NDArray[np.void], subscription: Subscription, symbols: int) -> None:
        """Judge a batch; `symbols` is how many SYMBOL records there can be among the others.

        Raises
        ------
        OrderError
            A record came twice, or out of order, or the sequences do not add up.
        """
        if not len(batch):
            return
        now_ns = time.time_ns()
        sequences = batch["sequence"].astype(np.int64)
        if self.every and (int(sequences[0]) <= self._last or (np.diff(sequences) <= 0).any()):
            raise OrderError(f"{self.name}: sequence {sequences[0]} to {sequences[-1]} behind {self._last}")
        self._last = int(sequences[-1])
        self._given += len(batch)
        self.received += len(batch)
        self._keep((now_ns - batch["received_ns"]) / 1_000)
        if self.every:
            self.lost = subscription.stats().lost
            others = self._last - self._first + 1 - self._given - self.lost
            if not 0 <= others <= symbols:
                raise OrderError(
                    f"{self.name}: of the sequences {self._first} to {self._last} {self._given} were delivered and "
                    f"{self.lost} told lost; {others} are left, and there are {symbols} symbols"
                )

    def _keep(self, delays_us: NDArray[np.float64]) -> None:
        delays_us = delays_us[-(_WINDOW - self._fresh) :] if self._fresh < _WINDOW else delays_us[:0]
        self._delays_us[self._fresh : self._fresh + len(delays_us)] = delays_us
        self._fresh += len(delays_us)

    def sample(self) -> dict[str, float | None]:
        """Return the figures, the delay's over what came since the last call (65,536 records at most)."""
        delays_us = self._delays_us[: self._fresh]
        p99_us = float(np.percentile(delays_us, 99)) if len(delays_us) else None
        self._fresh = 0
        return {"received": self.received, "lost": self.lost_in_all, "p99_us": p99_us}
