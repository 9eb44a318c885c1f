"""Level 4: recorded times played at a multiple of their speed."""

import math
import time
from collections.abc import Iterator
from numbers import Real

import numpy as np
from numpy.typing import NDArray

LONGEST_WAIT_S = 3_600.0
"""A step between two records that would take longer is passed over: a night, or a clock that was wrong."""

_SHORTEST_NAP_S, _LONGEST_NAP_S = 0.000_2, 0.1
_LAST_NS = 2**63 - 1
_QUOTE_KIND = 1


def speed_of(speed: "str | float") -> float:
    """Return how many times as fast as recorded: "max" is infinity, "realtime" 1.

    Raises
    ------
    ValueError, TypeError
        It is none of these and no number above 0.
    """
    if speed in ("max", "realtime"):
        return math.inf if speed == "max" else 1.0
    if not isinstance(speed, Real) or isinstance(speed, bool):
        raise TypeError(f'speed must be "max", "realtime" or a number, not {speed!r}')
    if not speed > 0:
        raise ValueError(f'speed is {speed!r}; it must be "max", "realtime" or a number above 0')
    return float(speed)


class Pace:
    """Holds records back until they are due by their receive times.

    Parameters
    ----------
    speed : float
        How many times as fast as recorded, above 0.

    Threads: one. Cost: sleeps; what became due meanwhile comes in one piece. In the main thread Ctrl-C ends a sleep.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._newest_ns = 0  # 0: none yet
        self._origin_ns = 0
        self._started_s = 0.0

    def pieces(self, records: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
        """Yield the records piece by piece, each when it is due; a name is due with what was received before it."""
        if math.isinf(self._speed):
            yield records
            return
        due_ns = self._due(records)
        begin = 0
        while begin < len(records):
            if self._newest_ns:
                self._sleep_until(int(due_ns[begin]))
            end = int(np.searchsorted(due_ns, self._now_ns(int(due_ns[begin])), side="right"))
            yield records[begin:end]
            begin = end

    def _due(self, records: NDArray[np.void]) -> NDArray[np.int64]:
        """Return when each record is due, in recorded time; ascending, since sequence, not time, is the order."""
        times = np.where(records["kind"] <= _QUOTE_KIND, records["received_ns"], 0)
        times[0] = max(int(times[0]), self._newest_ns)
        due: NDArray[np.int64] = np.maximum.accumulate(times)
        return due

    def _now_ns(self, next_ns: int) -> int:
        """Return what time it is in the recording, at least that of the record that is next."""
        if not self._newest_ns and next_ns > 0:
            self._origin_ns, self._started_s = next_ns, time.monotonic()
        passed_ns = (time.monotonic() - self._started_s) * 1e9 * self._speed
        now_ns = min(self._origin_ns + int(min(passed_ns, _LAST_NS)), _LAST_NS)
        self._newest_ns = max(self._newest_ns, next_ns)
        return max(now_ns, next_ns) if self._origin_ns else next_ns

    def _sleep_until(self, due_ns: int) -> None:
        if (due_ns - self._newest_ns) / (1e9 * self._speed) > LONGEST_WAIT_S:
            self._origin_ns, self._started_s = due_ns, time.monotonic()
        due_s = self._started_s + (due_ns - self._origin_ns) / (1e9 * self._speed)
        while (left_s := due_s - time.monotonic()) > 0.0:
            time.sleep(min(max(left_s, _SHORTEST_NAP_S), _LONGEST_NAP_S))
