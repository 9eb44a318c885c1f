"""When a recorded line is due: as fast as possible, or at a multiple of the speed at which it was recorded."""

import re
import time
from collections.abc import Callable

LONGEST_WAIT_S = 3_600.0
"""A step between two lines that would take longer is passed over: a night, or a clock that was wrong."""

_SPEED = re.compile(r"x?(\d+(?:\.\d+)?)", re.ASCII)
_SLICE_S = 0.1


def parse_speed(text: str) -> float:
    """Read `max` (infinite), `realtime` (1) or `x10`.

    Raises
    ------
    ValueError
        It is none of these, or not above 0.
    """
    if text in ("max", "realtime"):
        return float("inf") if text == "max" else 1.0
    match = _SPEED.fullmatch(text)
    if match is None or not float(match[1]) > 0.0:
        raise ValueError(f"{text!r} is none of max, realtime, x10")
    return float(match[1])


class Pace:
    """Holds each line back until it is due.

    Parameters
    ----------
    speed : float
        How many times as fast as recorded, above 0.
    stopped : callable
        Tells whether to wait no longer.
    passed_over : callable, optional
        Called once, with the seconds of the first wait that was longer than `LONGEST_WAIT_S` and is passed over.

    Attributes
    ----------
    timed : bool
        Whether any line had a time.

    Threads: one.
    Cost: sleeps; looks up ten times a second.
    """

    def __init__(
        self, speed: float, stopped: Callable[[], bool], passed_over: Callable[[float], None] | None = None
    ) -> None:
        self.timed = False
        self._speed = speed
        self._stopped = stopped
        self._passed_over = passed_over
        self._first_ns = 0
        self._before_ns = 0
        self._started_s = 0.0

    def wait_until_due(self, time_ns: int) -> bool:
        """Wait until the line of this time is due; False when stopped. A line without a time is due at once."""
        if not time_ns:
            return not self._stopped()
        self._keep_step(time_ns)
        due_s = self._started_s + (time_ns - self._first_ns) / (1e9 * self._speed)
        while not self._stopped():
            left_s = due_s - time.monotonic()
            if left_s <= 0.0:
                return True
            time.sleep(min(left_s, _SLICE_S))
        return False

    def _keep_step(self, time_ns: int) -> None:
        """Count from this line on if it is the first, or too far from the one before it."""
        step_s = (time_ns - self._before_ns) / (1e9 * self._speed)
        if not self.timed or abs(step_s) > LONGEST_WAIT_S:
            if self.timed and step_s > 0.0 and self._passed_over is not None:
                self._passed_over(step_s)
                self._passed_over = None
            self._first_ns, self._started_s = time_ns, time.monotonic()
        self.timed, self._before_ns = True, time_ns
