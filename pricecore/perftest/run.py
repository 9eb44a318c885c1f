"""One run: threads on a barrier, readings before and after, a report."""

import gc
import math
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from pricecore.metrics.latency import LatencyBuffer
from pricecore.perftest.load import Schedule, rows_for, send_on_schedule, send_saturated
from pricecore.perftest.measure import Reading, allowed_growth_bytes, latency_between, read
from pricecore.perftest.report import TARGET_P95_US, PerformanceReport

LEAD_NS = 5_000_000
"""A schedule begins this long after the barrier, so that no thread is late only because it woke late."""
MAX_SYMBOLS = 1_000


class Share(NamedTuple):
    """What one thread did."""

    applied: int
    cpu_ns: int
    end_ns: int


def run_performance_test(
    engine: Any,
    updates: int = 10_000,
    rate: float | None = None,
    threads: int = 1,
    symbols: int = 100,
    target_p95_us: float = TARGET_P95_US,
) -> PerformanceReport:
    """Send updates through an engine and judge what it cost.

    The updates are trades of symbols `PERFTEST:000` onwards, which stay registered. Service latency is what the engine
    itself measured between the two readings, so other updates that reach the engine meanwhile are part of it. With
    `rate` the delay from schedule stands beside it: completion minus *intended* start, for every update.

    Parameters
    ----------
    engine : object
        Anything with the methods `update`, `register`, `metrics` and, for several threads, `writer` of a `PriceEngine`.
    updates : int
        How many in all, at least 1.
    rate : float, optional
        Updates a second over all threads, above 0; None: each thread sends as fast as it can.
    threads : int
        1 to `updates`. One runs in the calling thread; several have a writer handle and symbols of their own.
    symbols : int
        1 to 1,000.
    target_p95_us : float
        PASS needs a 95th percentile of service latency below this, in microseconds.

    Returns
    -------
    PerformanceReport
        `.passed`, `.failures` and every figure.

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type or out of range; nothing was sent.

    Threads: any of the writer process; not meant to run twice at once on one engine.
    Cost: blocks until done; 8 bytes an update with `rate`.
    """
    _check(updates, rate, threads, symbols)
    names = [f"PERFTEST:{i:03d}" for i in range(symbols)]
    engine.register(names)
    return _Run(engine, updates, rate, threads, names).report(target_p95_us)


def _check(updates: int, rate: float | None, threads: int, symbols: int) -> None:
    for name, value in (("updates", updates), ("threads", threads), ("symbols", symbols)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {type(value).__name__} {value!r}")
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
    if threads > updates:
        raise ValueError(f"threads is {threads}; it must not be more than updates, which is {updates}")
    if symbols > MAX_SYMBOLS:
        raise ValueError(f"symbols is {symbols}; it must not be more than {MAX_SYMBOLS:,}")
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"rate is {rate!r}; it must be above 0 updates a second, or None for as fast as possible")


class _Run:
    def __init__(self, engine: Any, updates: int, rate: float | None, threads: int, names: list[str]) -> None:
        self.engine = engine
        self.updates = updates
        self.rate = rate
        self.threads = threads
        self.names = names
        self.delays = None if rate is None else _touched_buffer(updates)
        self.stopped = threading.Event()
        self.barrier = threading.Barrier(threads, action=self._begin)

    def _begin(self) -> None:
        """Run by the last thread that comes to the barrier, while the others wait there."""
        self.before = read(self.engine)
        self.begin_ns = time.perf_counter_ns()

    def report(self, target_p95_us: float) -> PerformanceReport:
        shares = self._run()
        after = read(self.engine)
        wall_s = (max(share.end_ns for share in shares) - self.begin_ns) / 1e9
        applied = sum(share.applied for share in shares)
        latency, is_exact = latency_between(self.before, after)
        return PerformanceReport(
            updates=self.updates,
            rate=self.rate,
            threads=self.threads,
            symbols=len(self.names),
            wall_s=wall_s,
            updates_per_s=applied / wall_s,
            applied=applied,
            errors=after.metrics.errors - self.before.metrics.errors,
            errors_by_reason=_new_errors(self.before, after),
            latency=latency,
            latency_is_exact=is_exact,
            schedule_delay=None if self.delays is None else self.delays.stats(),
            target_p95_us=target_p95_us,
            cpu_s=tuple(share.cpu_ns / 1e9 for share in shares),
            rss_before_bytes=self.before.rss_bytes,
            rss_after_bytes=after.rss_bytes,
            rss_allowed_growth_bytes=allowed_growth_bytes(self.before, after),
            pool_outstanding_before=self.before.metrics.pool.outstanding,
            pool_outstanding_after=after.metrics.pool.outstanding,
            gc_enabled=gc.isenabled(),
            gc_collections=after.gc_collections - self.before.gc_collections,
        )

    def _run(self) -> list[Share]:
        if self.threads == 1:
            return [self._work(0)]
        return run_together([partial(self._work, i) for i in range(self.threads)], self.barrier, self.stopped)

    def _work(self, index: int) -> Share:
        """Send the share of one thread."""
        rows = rows_for(self.names[index :: self.threads] or self.names)
        count = len(range(index, self.updates, self.threads))
        with nullcontext(self.engine) if self.threads == 1 else self.engine.writer() as writer:
            self.barrier.wait()
            cpu_ns = time.thread_time_ns()
            applied = self._send(writer.update, rows, count, index)
            return Share(applied, time.thread_time_ns() - cpu_ns, time.perf_counter_ns())

    def _send(self, update: Callable, rows: list, count: int, index: int) -> int:
        if self.rate is None or self.delays is None:
            return send_saturated(update, rows, count, self.stopped)
        period_ns = 1e9 / self.rate
        first_ns = self.begin_ns + LEAD_NS + round(index * period_ns)
        schedule = Schedule(first_ns, period_ns * self.threads)
        return send_on_schedule(update, rows, count, self.stopped, schedule, self.delays)


def run_together(workers: list[Callable[[], Share]], barrier: threading.Barrier, stopped: threading.Event) -> list:
    """Run each worker in a thread; return their results in order, or raise the first error when all have ended."""
    results: list = [None] * len(workers)
    errors: list[BaseException] = []

    def body(index: int) -> None:
        try:
            results[index] = workers[index]()
        except threading.BrokenBarrierError:
            pass  # another thread failed before the start
        except BaseException as error:
            errors.append(error)
            stopped.set()
            barrier.abort()

    started = [threading.Thread(target=body, args=(i,), name=f"pricecore-perf-{i}") for i in range(len(workers))]
    try:
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    finally:  # Ctrl-C comes here while we wait
        stopped.set()
        barrier.abort()
        for thread in started:
            if thread.ident is not None:
                thread.join()
    if errors:
        raise errors[0]
    return results


def _touched_buffer(samples: int) -> LatencyBuffer:
    """Return an empty buffer whose memory is resident already, so that filling it does not look like a leak."""
    buffer = LatencyBuffer(samples)
    for _ in range(samples):
        buffer.record(0)
    buffer.reset()
    return buffer


def _new_errors(before: Reading, after: Reading) -> dict[str, int]:
    earlier = before.metrics.errors_by_reason
    grown = {reason: count - earlier.get(reason, 0) for reason, count in after.metrics.errors_by_reason.items()}
    return {reason: count for reason, count in grown.items() if count}
