"""Are the numbers that a venue gives its messages complete? Gaps and repeats are counted; nothing is dropped."""

from collections.abc import Hashable

MAX_KEYS = 1 << 17
"""Keys remembered in one series; a flood of garbage symbols costs no more memory."""


class Series:
    """The numbers of one kind of message, each key (a symbol, a connection) counted by itself.

    Parameters
    ----------
    dense : bool
        Whether every number comes once, so that a missing one is a gap. Otherwise numbers only may not go back, and
        equal ones are fine (several trades of one order share them).

    Attributes
    ----------
    gaps, missing, duplicates : int
        Times that numbers were left out, how many in all, and numbers not above an earlier one.

    Threads: one at a time.
    Cost: a dict lookup and a dict store.
    """

    __slots__ = ("_dense", "_last", "duplicates", "gaps", "missing")

    def __init__(self, dense: bool = True) -> None:
        self._dense = dense
        self._last: dict[Hashable, float] = {}
        self.gaps = 0
        self.missing = 0
        self.duplicates = 0

    def check(self, key: Hashable, number: float, count: int = 1) -> None:
        """Take the next number of a key; `count`: it is the last of so many that came in one message."""
        last = self._last.get(key)
        if last is None:
            if len(self._last) < MAX_KEYS:
                self._last[key] = number
            return
        if self._dense and number - count != last:
            if number <= last:
                self.duplicates += 1
                return
            if number - count > last:
                self.gaps += 1
                self.missing += int(number - count - last)
        elif number < last:
            self.duplicates += 1
            return
        self._last[key] = number

    def reset(self) -> None:
        """Forget the last numbers, as after a new connection; the counts stay."""
        self._last.clear()
