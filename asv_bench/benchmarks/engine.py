"""The engine: one update, batches, threads, metrics, and the latency target."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import repeat
from threading import Lock

import pricecore

from . import suite
from .loops import distinct_latencies_ns, ready
from .measured import SYMBOLS, TIME_NS, columns, engine_with_symbols

THREADS = 4
UPDATES_A_THREAD = 250
STORE: dict[str, tuple[float, float, int, float]] = {}
BATCH_STORE: dict[int, tuple[float, float]] = {}
LOCK = Lock()


class SingleUpdate(suite.Suite):
    ours = "update"

    def time_price_map(self):
        ready("price_map_update")(self.operations)

    def time_dict(self):
        store = STORE
        for _ in repeat(None, self.operations):
            store["SYM7"] = (100.25, 1.5, TIME_NS, 0.5)

    def time_dict_and_lock(self):
        store, lock = STORE, LOCK
        for _ in repeat(None, self.operations):
            with lock:
                store["SYM7"] = (100.25, 1.5, TIME_NS, 0.5)


class BatchUpdate(suite.Suite):
    """A run is one batch: a thousandth of the figure for 1,000 rows is the cost of a row."""

    ours = "update_many_{}"
    operations = 1
    params = (100, 1_000, 10_000)
    param_names = ("rows",)

    def time_dict(self, rows):
        BATCH_STORE.update(batch_of_objects(rows))


@cache
def batch_of_objects(rows: int) -> list[tuple[int, tuple[float, float]]]:
    ids, prices, volumes = (column.tolist() for column in columns(rows))
    return list(zip(ids, zip(prices, volumes, strict=True), strict=True))


class FourThreads(suite.Suite):
    """Four threads, 250 updates each, of one engine or one dict; the threads are there before."""

    ours = "update"
    operations = THREADS * UPDATES_A_THREAD

    def time_pricecore(self):
        in_threads(ready("update"))

    def time_writer_handles(self):
        in_threads(None)

    def time_dict_and_lock(self):
        in_threads(self.locked_updates)

    def locked_updates(self, n):
        store, lock = STORE, LOCK
        for _ in repeat(None, n):
            with lock:
                store["SYM7"] = (100.25, 1.5, TIME_NS, 0.5)


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS)


@cache
def writer_loops() -> list:
    """Return a loop for each thread: own handle, own symbol, one engine."""
    engine = engine_with_symbols()

    def loop_of(symbol):
        call = engine.writer().update

        def loop(n):
            for _ in repeat(None, n):
                call(symbol, 100.25, 1.5, TIME_NS, 0.5)

        return loop

    return [loop_of(symbol) for symbol in SYMBOLS[:THREADS]]


def in_threads(loop) -> None:
    """Run the loop in every thread; None: each has a loop of its own."""
    loops = [loop] * THREADS if loop else writer_loops()
    waiting = [pool().submit(one, UPDATES_A_THREAD) for one in loops]
    for future in waiting:
        future.result()


class Metrics(suite.Suite):
    """All figures, with a window of 10,000 mostly distinct latencies."""

    ours = "metrics"
    operations = 1

    def time_sorted_deque(self):
        ordered = sorted(window())
        n = len(ordered)
        return [ordered[round((n - 1) * q)] for q in (0.5, 0.95, 0.99, 0.999)], sum(ordered) / n


@cache
def window() -> deque[int]:
    return deque(distinct_latencies_ns(), maxlen=10_000)


class LatencyTarget:
    """Service latency of 10,000 updates as the engine records it; the target is p95 below 1,000 us."""

    unit = "us"

    def track_p95_us(self):
        return report().latency.p95_us

    def track_p99_us(self):
        return report().latency.p99_us


def report():
    with pricecore.PriceEngine() as engine:
        return engine.run_performance_test(10_000)
