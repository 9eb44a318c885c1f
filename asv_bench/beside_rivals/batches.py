"""Batches beside the reference engine's, and beside the last row of each symbol in a data frame."""

import argparse
from collections.abc import Iterator
from importlib import import_module

import numpy as np
from across_processes.report import Row, Skipped

import pricecore

from .rounds import Body, medians, reference

SYMBOLS = [f"SYM{i}" for i in range(64)]
SMALL_RING = 1_024
"""That of the reference engine; the default does not fit into the second cache."""
LIMITS = {10_000: 2.0, 100: 5.0}
POLARS_LIMIT = 0.6


def batch_calls(rows: int, ring_capacity: int) -> Body:
    engine = pricecore.PriceEngine(ring_capacity=ring_capacity)
    ids = np.resize(engine.register(SYMBOLS), rows)
    prices, volumes = np.linspace(90.0, 110.0, rows), np.linspace(1.0, 2.0, rows)
    calls = 10_000 // rows

    def body() -> None:
        for _ in range(calls):
            engine.update_many(ids, prices, volumes)

    return body


def by_name() -> Body:
    engine = pricecore.PriceEngine()
    engine.register(SYMBOLS)
    names = [SYMBOLS[i % 64] for i in range(10_000)]
    prices, volumes = np.linspace(90.0, 110.0, 10_000), np.linspace(1.0, 2.0, 10_000)
    return lambda: engine.update_many(names, prices, volumes)


def last_of_each() -> Body:
    try:
        polars = import_module("polars")
    except ImportError:
        raise Skipped("polars is not installed") from None
    names = [SYMBOLS[i % 64] for i in range(10_000)]
    prices, volumes = np.linspace(90.0, 110.0, 10_000), np.linspace(1.0, 2.0, 10_000)
    return lambda: polars.DataFrame({"s": names, "p": prices, "v": volumes}).unique(subset="s", keep="last")


def rows(args: argparse.Namespace) -> Iterator[Row]:
    rounds = 10 if args.quick else 100
    theirs = reference(args.reference)["limit"]
    for size, limit in LIMITS.items():
        times = medians({"small": batch_calls(size, SMALL_RING), "default": batch_calls(size, 65_536)}, rounds)
        rival = theirs[f"batch_{size}_two_stamps_per_batch_ns_per_update"]
        name = f"update_many, {size:,} by id, a row"
        yield Row(name, "ns", times["small"], "reference engine (limit), alike", rival, limit)
        yield Row("  with the default ring", "ns", times["default"], "reference engine (limit), alike", rival)


def by_name_rows(args: argparse.Namespace) -> Iterator[Row]:
    times = medians({"ours": by_name(), "polars": last_of_each()}, 10 if args.quick else 100)
    rival = "polars unique(keep=last)"
    yield Row("update_many, 10,000 by name, a row", "ns", times["ours"], rival, times["polars"], POLARS_LIMIT)
