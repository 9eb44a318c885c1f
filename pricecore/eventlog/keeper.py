"""Level 4: what has to be done for a log now and then: sealed files synced and indexed, snapshots, retention."""

import os
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

from pricecore.metrics.log import warn_throttled

PERIOD_S = 0.1


class Kept(Protocol):
    """What the keeper looks after: see `EngineLog`."""

    def _keep(self) -> None: ...


class Keeper:
    """A thread that calls `log._keep()` ten times a second until the log ends, or is dropped.

    Threads: any. Cost: a daemon thread; the GIL for microseconds a turn when there is nothing to do.
    """

    def __init__(self, log: Kept) -> None:
        self._stopped = threading.Event()
        self._pid = os.getpid()
        self._thread = threading.Thread(
            target=_keep, args=(weakref.ref(log), self._stopped), name="pricecore-log-keeper", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Let it end its turn, and wait for that; in a forked child there is none."""
        self._stopped.set()
        if self._pid == os.getpid() and self._thread is not threading.current_thread():
            self._thread.join()


def _keep(log: Callable[[], Kept | None], stopped: threading.Event) -> None:
    while not stopped.wait(PERIOD_S):
        kept = log()
        if kept is None:
            return
        try:
            kept._keep()
        except Exception as error:  # the log itself goes on, and the next turn tries again
            warn_throttled("log_keeper", f"keeping the event log in order failed: {error}")
        del kept
