"""One update beside a dict's store, and the ways to call it beside each other."""

import argparse
import time
from collections.abc import Callable, Iterator

from across_processes.report import Row

import pricecore

from .rounds import Body, Trade, medians, trades

DICT_LIMIT = 1.0
WAY_LIMIT = 1.5


def empty(rows: list[Trade]) -> Body:
    def body() -> None:
        for _symbol, _price, _volume, _time_ns, _change in rows:
            pass

    return body


def positional(update: Callable[..., bool], rows: list[Trade]) -> Body:
    def body() -> None:
        for symbol, price, volume, time_ns, change in rows:
            update(symbol, price, volume, time_ns, change)

    return body


def two_by_keyword(update: Callable[..., bool], rows: list[Trade]) -> Body:
    def body() -> None:
        for symbol, price, volume, time_ns, change in rows:
            update(symbol, price, volume, timestamp_ns=time_ns, change_24h=change)

    return body


def dict_store(rows: list[Trade]) -> Body:
    store: dict[str, tuple[float, float, int, float]] = {}

    def body() -> None:
        for symbol, price, volume, time_ns, change in rows:
            store[symbol] = (price, volume, time_ns, change)

    return body


def recorded_share(rows: list[Trade]) -> float:
    """Return the sum of the recorded latencies over the caller's wall time in a tight loop, the best of 15."""
    shares = []
    for _ in range(15):
        with pricecore.PriceEngine() as engine:
            body = positional(engine.update, rows)
            begin_ns = time.perf_counter_ns()
            body()
            wall_ns = time.perf_counter_ns() - begin_ns
            shares.append(engine.metrics().histogram.sum_ns / wall_ns)
    return max(shares)


def rows(args: argparse.Namespace) -> Iterator[Row]:
    floats = trades()
    ints = [(symbol, 100, 1_000, time_ns, 2) for symbol, _price, _volume, time_ns, _change in floats]
    with pricecore.PriceEngine() as engine:
        bodies = {
            "loop": empty(floats),
            "update": positional(engine.update, floats),
            "dict": dict_store(floats),
            "keywords": two_by_keyword(engine.update, floats),
            "ints": positional(engine.update, ints),  # type: ignore[arg-type]
        }
        times = medians(bodies, 10 if args.quick else 300)
    ours = times["update"]
    yield Row("engine.update, 1,000 symbols", "ns", ours, "d[s] = (p, v, t, c)", times["dict"], DICT_LIMIT)
    yield Row("  two arguments by keyword", "ns", times["keywords"], "all by position", ours, WAY_LIMIT)
    yield Row("  ints in place of floats", "ns", times["ints"], "floats", ours, WAY_LIMIT)
    yield Row("  recorded latencies over the caller's time", "", recorded_share(floats))
