"""Batches beside the reference engine's, and beside the last row of each symbol in a data frame."""

import argparse
from collections.abc import Iterator
from importlib import import_module

import numpy as np
from across_processes.report import Row, Skipped

import pricecore

from .rounds import TURNS, Beside, Body, Reference, beside_reference, medians

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
    bodies = {(size, ring): batch_calls(size, ring) for size in LIMITS for ring in (SMALL_RING, 65_536)}

    def turn(theirs: Reference) -> Beside:
        times = medians({f"{size} {ring}": body for (size, ring), body in bodies.items()}, rounds)
        batch = "batch_{}_two_stamps_per_batch_ns_per_update"
        return {name: (ours, theirs["limit"][batch.format(name.split()[0])]) for name, ours in times.items()}

    figures = beside_reference(args.reference, 1 if args.quick else TURNS, turn)
    rival = "reference engine (limit), alike"
    for size, limit in LIMITS.items():
        (ours, theirs), (with_default, _) = (figures[f"{size} {ring}"] for ring in (SMALL_RING, 65_536))
        yield Row(f"update_many, {size:,} by id, a row", "ns", ours, rival, theirs, limit)
        yield Row("  with the default ring", "ns", with_default, rival, theirs)


def by_name_rows(args: argparse.Namespace) -> Iterator[Row]:
    times = medians({"ours": by_name(), "polars": last_of_each()}, 10 if args.quick else 100)
    rival = "polars unique(keep=last)"
    yield Row("update_many, 10,000 by name, a row", "ns", times["ours"], rival, times["polars"], POLARS_LIMIT)
