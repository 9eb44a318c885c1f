"""One update and one reading of the metrics beside the reference engine in Rust."""

import argparse
import random
from collections.abc import Iterator
from itertools import repeat

from across_processes.report import Row

import pricecore

from .rounds import TURNS, Beside, Body, Reference, beside_reference, medians, trades
from .updates import empty, positional

UPDATE_LIMIT = 0.09
METRICS_LIMIT = 0.2
READINGS = 20


def metrics_readings() -> Body:
    """Of a full window of mostly distinct latencies: 500 to 1,500 ns, one in a hundred up to 100,000 ns."""
    chance = random.Random(1)
    engine = pricecore.PriceEngine()
    for i in range(10_000):
        engine._record_latency(chance.randrange(100_000) if i % 100 == 0 else 500 + chance.randrange(1_000))

    def body() -> None:
        for _ in repeat(None, READINGS):
            engine.metrics()

    return body


def rows(args: argparse.Namespace) -> Iterator[Row]:
    rounds = 10 if args.quick else 100
    floats = trades()
    readings = metrics_readings()

    def turn(theirs: Reference) -> Beside:
        with pricecore.PriceEngine() as engine:
            times = medians({"loop": empty(floats), "update": positional(engine.update, floats)}, rounds)
        metrics_us = medians({"metrics": readings}, rounds, operations=READINGS)["metrics"] / 1e3
        seed = theirs["seed"]
        return {
            "update": (times["update"], seed["single_ns"]),
            "metrics": (metrics_us, seed["get_metrics_full_mostly_distinct_us"]),
        }

    figures = beside_reference(args.reference, 1 if args.quick else TURNS, turn)
    rival = "reference engine (seed)"
    yield Row("engine.update", "ns", figures["update"][0], rival, figures["update"][1], UPDATE_LIMIT)
    yield Row("engine.metrics, full window", "us", figures["metrics"][0], rival, figures["metrics"][1], METRICS_LIMIT)
