"""The performance test that visitors start: one at a time, in a thread, on an engine of its own."""

import threading
import time

from pricecore.engine.price_engine import PriceEngine
from pricecore.perftest import PerformanceReport, run_performance_test
from pricecore.perftest.report import TARGET_P95_US

UPDATES = 10_000


class PerfRun:
    """One run of the test; everything may be read while it goes on.

    Attributes
    ----------
    report : PerformanceReport or None
        The result.
    error : str
        Why there is no result; empty while all is well.

    Threads: has one of its own, a daemon. Cost: 10,000 updates take some milliseconds.
    """

    def __init__(self, updates: int, target_p95_us: float) -> None:
        self.updates = updates
        self.report: PerformanceReport | None = None
        self.error = ""
        self.started_s = time.monotonic()
        self._target_p95_us = target_p95_us
        self._engine: PriceEngine | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, name="pricecore-perf-test", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self._done.is_set()

    @property
    def progress(self) -> float:
        """How much of it is done, 0 to 1."""
        engine = self._engine
        if self.done or engine is None:
            return float(self.done)
        return min(1.0, engine.metrics().messages_processed / self.updates)

    def _run(self) -> None:
        try:
            with PriceEngine() as engine:
                self._engine = engine
                self.report = run_performance_test(engine, self.updates, target_p95_us=self._target_p95_us)
                self._engine = None  # its figures end with it
        except Exception as error:  # of whatever kind: the page shows it
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self._engine = None
            self._done.set()


class PerformanceTest:
    """Starts runs, one at a time for all visitors.

    Parameters
    ----------
    updates : int
        How many a run sends, at least 1.
    target_p95_us : float
        PASS needs a 95th percentile below this.

    Threads: any. Cost: that of the runs.
    """

    def __init__(self, updates: int = UPDATES, target_p95_us: float = TARGET_P95_US) -> None:
        self.updates = updates
        self.target_p95_us = target_p95_us
        self._latest: PerfRun | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> PerfRun | None:
        """The run that goes on at this moment."""
        latest = self._latest
        return None if latest is None or latest.done else latest

    def start(self) -> PerfRun | None:
        """Start a run; None when one is going on."""
        with self._lock:
            if self.running is not None:
                return None
            self._latest = PerfRun(self.updates, self.target_p95_us)
            return self._latest
