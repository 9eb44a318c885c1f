"""Loops that are timed here and nowhere else: many symbols, two threads, records made into tuples."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import repeat

import numpy as np
from benchmarks.loops import LOOPS
from benchmarks.measured import SYMBOLS, TIME_NS, Loop, Measured, columns, engine_with_symbols
from benchmarks.sharing_loops import POLLS, ROWS

import pricecore


def over_symbols(count: int) -> tuple[pricecore.PriceEngine, list[str]]:
    """Return an engine with so many symbols, and 10,000 of them in an order that no cache foresees."""
    engine = pricecore.PriceEngine(max_symbols=65_536, out_of_order="apply")
    names = [f"SYM{i}" for i in range(count)]
    engine.register(names)
    engine.update_many(names, np.ones(count))
    chosen = np.random.default_rng(1).integers(0, count, 10_000)
    return engine, [names[i] for i in chosen]


def updates_over(symbols: int) -> Loop:
    engine, names = over_symbols(symbols)
    call = engine.update

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            for name in names:
                call(name, 100.25, 1.5, TIME_NS, 0.5)

    return loop


def prices_over(symbols: int) -> Loop:
    engine, names = over_symbols(symbols)
    call = engine.price

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            for name in names:
                call(name)

    return loop


def by_two_threads(calls: list[Callable[[], object]]) -> Loop:
    """Return a loop in which each of two threads makes a call of its own n times."""
    threads = ThreadPoolExecutor(2)

    def work(call: Callable[[], object], n: int) -> None:
        for _ in repeat(None, n):
            call()

    def loop(n: int) -> None:
        for done in wait([threads.submit(work, call, n) for call in calls]).done:
            done.result()

    return loop


def batches_by_two_writers(rows: int) -> Loop:
    """Each with a writer handle and symbols of its own."""
    engine = engine_with_symbols()
    ids, prices, volumes = columns(rows)
    return by_two_threads([partial(engine.writer().update_many, ids % 32 + 32 * i, prices, volumes) for i in range(2)])


def updates_by_two_writers() -> Loop:
    engine = engine_with_symbols()
    return by_two_threads([partial(engine.writer().update, SYMBOLS[i], 100.25, 1.5, TIME_NS, 0.5) for i in (0, 32)])


def polls_into_tuples() -> Loop:
    """As poll_all_64, and a tuple made of each record."""
    engine = engine_with_symbols()
    ids, prices, volumes = columns(ROWS * POLLS)
    engine.update_many(ids, prices, volumes)
    first = engine.metrics().ring.sequence - ROWS * POLLS + 1

    def loop(n: int) -> None:
        poll = engine.subscribe(mode="all", start=first).poll
        for _ in repeat(None, n):
            poll(ROWS).tolist()

    return loop


def entry(make: Callable[[], Loop], calls: int, rows: int) -> Measured:
    return Measured(make, calls, rows)


TIMED: dict[str, Measured] = LOOPS | {
    "update_1000_symbols": entry(lambda: updates_over(1_000), 1, 10_000),
    "update_20000_symbols": entry(lambda: updates_over(20_000), 1, 10_000),
    "price_20000_symbols": entry(lambda: prices_over(20_000), 1, 10_000),
    "batches_by_two_writers": entry(lambda: batches_by_two_writers(10_000), 20, 20_000),
    "batches_of_64_by_two_writers": entry(lambda: batches_by_two_writers(64), 2_000, 128),
    "updates_by_two_writers": entry(updates_by_two_writers, 10_000, 2),
    "poll_all_64_as_tuples": entry(polls_into_tuples, 100, ROWS),
}
"""By name, the gated calls as well. `rows` are those of all threads."""
