"""Level 6: the performance test as page and terminal view start it: one at a time, in a thread, on its own engine."""

import threading

from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import PricecoreError
from pricecore.perftest import PerformanceReport, run_performance_test
from pricecore.perftest.report import TARGET_P95_US

UPDATES = 10_000


class PerformanceRun:
    """One run of the test; it begins at once, and everything may be read while it goes on.

    Parameters
    ----------
    updates : int
        How many it sends.
    target_p95_us : float
        PASS needs a 95th percentile below this.

    Attributes
    ----------
    report : PerformanceReport or None
        The result; None until there is one.
    error : str
        Why there is no result; empty while all is well.

    Threads: any; it has one of its own, a daemon. Cost: an engine's memory; 10,000 updates take some milliseconds.
    """

    def __init__(self, updates: int = UPDATES, target_p95_us: float = TARGET_P95_US) -> None:
        self.updates = updates
        self.report: PerformanceReport | None = None
        self.error = ""
        self._target_p95_us = target_p95_us
        self._engine: PriceEngine | None = None
        self._over = threading.Event()
        threading.Thread(target=self._run, name="pricecore-perf-test", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self._over.is_set()

    @property
    def sent(self) -> int:
        """How many updates were sent so far."""
        engine, report = self._engine, self.report
        if report is not None:
            return report.updates
        try:
            return 0 if engine is None else engine.metrics().messages_processed
        except PricecoreError:  # it was closed in this moment
            return self.updates

    @property
    def progress(self) -> float:
        """How much of it is done, 0 to 1."""
        return 1.0 if self.is_over else min(1.0, self.sent / max(1, self.updates))

    def _run(self) -> None:
        try:
            with PriceEngine() as self._engine:
                self.report = run_performance_test(self._engine, self.updates, target_p95_us=self._target_p95_us)
        except Exception as error:  # of whatever kind: who started it is told
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self._over.set()


class PerformanceTest:
    """Starts runs, one at a time for all who ask.

    Parameters
    ----------
    updates, target_p95_us
        Those of every run.

    Attributes
    ----------
    latest : PerformanceRun or None
        The run that was started last.

    Threads: any. Cost: that of the runs.
    """

    def __init__(self, updates: int = UPDATES, target_p95_us: float = TARGET_P95_US) -> None:
        self.updates = updates
        self.target_p95_us = target_p95_us
        self.latest: PerformanceRun | None = None
        self._lock = threading.Lock()

    def start(self) -> PerformanceRun | None:
        """Start a run; None when one is going on.

        Threads: any. Cost: a lock for a moment; the run has a thread of its own.
        """
        with self._lock:
            if self.latest is not None and not self.latest.is_over:
                return None
            self.latest = self._begin()
            return self.latest

    def _begin(self) -> PerformanceRun:
        return PerformanceRun(self.updates, self.target_p95_us)
