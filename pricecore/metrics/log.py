"""Level 2: the one logger of the package, and warnings of which a busy stream cannot make a flood.

No handler is attached: without any logging set up, Python prints warnings to stderr, which is what a lost update
deserves. `logging.getLogger("pricecore").addHandler(logging.NullHandler())` silences them.
"""

import os
import threading
import time
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

MAX_KEYS = 1_024


def _package_logger() -> "logging.Logger":
    """Return the package's logger; importing its library takes a tenth of the package's own import."""
    import logging

    return logging.getLogger("pricecore")


class _Burst:
    """One key's messages since the last one that was logged."""

    __slots__ = ("left_out", "logged_at")

    def __init__(self, logged_at: float) -> None:
        self.logged_at = logged_at
        self.left_out = 0


class ThrottledLogger:
    """Logs at most one message a key in each interval, and with the next one says how many it left out.

    Parameters
    ----------
    target : logging.Logger, optional
        Where messages go; None: the package's own.
    interval_s : float
        Seconds between two messages of one key.
    clock : callable
        Monotonic seconds; tests pass their own.

    Threads: any method from any thread.
    Cost: a lock held for a few dictionary operations; logging itself happens outside of it.
    """

    def __init__(
        self,
        target: "logging.Logger | None" = None,
        interval_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._interval_s = interval_s
        self._clock = clock
        self._lock = threading.Lock()
        self._bursts: dict[Hashable, _Burst] = {}

    def warn(self, key: Hashable, message: str, *args: object) -> bool:
        """Log a warning unless this key had one within the interval.

        Parameters
        ----------
        key : hashable
            What is throttled together, for instance the reason of a refusal. The 1,024 latest keys are remembered.
        message, *args
            As for `logging.Logger.warning`; formatted only when logged.

        Returns
        -------
        bool
            Whether it was logged.
        """
        now = self._clock()
        with self._lock:
            burst = self._bursts.get(key)
            if burst is not None and now - burst.logged_at < self._interval_s:
                burst.left_out += 1
                return False
            self._remember(key, now)
        if burst is not None and burst.left_out:
            text = message % args if args else message
            message, args = "%s (and %d more in the last %.1f s)", (text, burst.left_out, now - burst.logged_at)
        (self._target or _package_logger()).warning(message, *args, stacklevel=2)
        return True

    def _remember(self, key: Hashable, now: float) -> None:
        # Taken out and put in again, so that the dictionary is in the order of logging.
        self._bursts.pop(key, None)
        if len(self._bursts) >= MAX_KEYS:
            del self._bursts[next(iter(self._bursts))]
        self._bursts[key] = _Burst(now)

    def _after_fork(self) -> None:
        # A thread that does not exist in the child may have held it.
        self._lock = threading.Lock()


_throttle = ThrottledLogger()
warn_throttled = _throttle.warn

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_throttle._after_fork)
