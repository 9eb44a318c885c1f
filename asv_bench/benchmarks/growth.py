"""How the cost of a call grows with what it works on: one curve each. README explains their steps."""

import time
from collections.abc import Callable
from functools import cache
from itertools import islice, repeat

import numpy as np

import pricecore

from .measured import TIME_NS

UPDATES = 10_000


class Growth:
    """CPU time; state is made at its first use, since asv forks after an import."""

    timer = time.process_time
    repeat = (5, 50, 0.5)
    warmup_time = 0.02
    timeout = 300


class UpdateBySymbols(Growth):
    """10,000 single updates, in a shuffled order, over so many symbols."""

    params = (10, 100, 1_000, 10_000, 65_536)
    param_names = ("symbols",)

    def setup(self, symbols):
        updates_over(symbols)

    def time_update(self, symbols):
        update, names = updates_over(symbols)
        for name in islice(names, UPDATES):
            update(name, 100.25, 1.5, TIME_NS, 0.5)

    def time_dict(self, symbols):
        _update, names = updates_over(symbols)
        store = dict_over(symbols)
        for name in islice(names, UPDATES):
            store[name] = (100.25, 1.5, TIME_NS, 0.5)


@cache
def updates_over(symbols: int) -> tuple[Callable[..., bool], list[str]]:
    engine = pricecore.PriceEngine(max_symbols=131_072)  # at 80 % it would warn
    names = [f"SYM{i}" for i in range(symbols)]
    engine.register(names)
    chosen = np.random.default_rng(1).integers(0, symbols, UPDATES)
    return engine.update, [names[i] for i in chosen]


@cache
def dict_over(symbols: int) -> dict[str, tuple[float, float, int, float]]:
    return {f"SYM{i}": (100.25, 1.5, TIME_NS, 0.5) for i in range(symbols)}


class MetricsByWindow(Growth):
    """One reading of the metrics with a full window of mostly distinct latencies."""

    params = (1_000, 10_000, 100_000, 1_000_000)
    param_names = ("window",)

    def setup(self, window):
        metrics_of(window)

    def time_metrics(self, window):
        metrics_of(window)()


@cache
def metrics_of(window: int) -> Callable[[], object]:
    engine = pricecore.PriceEngine(latency_window=window)
    for latency_ns in np.random.default_rng(1).integers(500, 1_500, window).tolist():
        engine._record_latency(latency_ns)
    return engine.metrics


class UpdateByBatch(Growth):
    """Batches of so many rows, as many as make a million rows: a millionth of the figure is the cost of a row."""

    params = (1, 10, 63, 64, 100, 1_000, 10_000, 100_000, 1_000_000)
    param_names = ("rows",)
    repeat = (3, 10, 3.0)

    def setup(self, rows):
        batch_of(rows)

    def time_update_many(self, rows):
        call, columns = batch_of(rows)
        for _ in repeat(None, 1_000_000 // rows):
            call(*columns)


@cache
def batch_of(rows: int) -> tuple[Callable[..., int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    engine = pricecore.PriceEngine()
    ids = np.resize(engine.register([f"SYM{i}" for i in range(64)]), rows)
    return engine.update_many, (ids, np.linspace(90.0, 110.0, rows), np.linspace(1.0, 2.0, rows))
