"""The performance test that a key starts: on an engine of its own, in a thread of its own."""

import threading
from collections.abc import Callable

from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import PricecoreError
from pricecore.perftest import PerformanceReport, run_performance_test
from pricecore.perftest.report import TARGET_P95_US

UPDATES = 10_000


class PerformanceRun:
    """One run of the test; it begins at once.

    Parameters
    ----------
    updates : int
        How many.
    target_p95_us : float
        PASS needs a 95th percentile below this.

    Attributes
    ----------
    report : PerformanceReport or None
        None until it is over.
    error : str
        Why there is no report; empty while all is well.

    Threads: any.
    Cost: the engine's memory; some milliseconds of one core.
    """

    def __init__(self, updates: int = UPDATES, target_p95_us: float = TARGET_P95_US) -> None:
        self.updates = updates
        self.report: PerformanceReport | None = None
        self.error = ""
        self._target_p95_us = target_p95_us
        self._engine: PriceEngine | None = None
        self._thread = threading.Thread(target=self._run, name="pricecore-perf-test", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it is not over yet."""
        return self._thread.is_alive()

    @property
    def done(self) -> int:
        """How many updates were sent so far."""
        engine = self._engine
        if self.report is not None:
            return self.report.applied
        try:
            return 0 if engine is None else engine.metrics().messages_processed
        except PricecoreError:  # it was closed in this moment
            return self.updates

    def wait(self) -> None:
        """Wait until it is over."""
        self._thread.join()

    def _run(self) -> None:
        try:
            with PriceEngine() as self._engine:
                self.report = run_performance_test(self._engine, self.updates, target_p95_us=self._target_p95_us)
        except Exception as error:  # whatever it is, the sheet says it
            self.error = str(error) or type(error).__name__


class PerformanceRuns:
    """Runs one behind the other: a second one does not begin beside the first.

    Parameters
    ----------
    begin : callable
        Begins a run.

    Threads: one at a time. Cost: none but the run's.
    """

    def __init__(self, begin: Callable[[], PerformanceRun] = PerformanceRun) -> None:
        self.last: PerformanceRun | None = None
        self._begin = begin

    def start(self) -> bool:
        """Begin a run; False when the last one is not over."""
        if self.last is not None and self.last.running:
            return False
        self.last = self._begin()
        return True
