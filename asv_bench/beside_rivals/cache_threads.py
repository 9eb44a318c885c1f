"""Two threads on one cache beside one: calls a second of all threads together, in wall time, without a GIL."""

import argparse
from collections.abc import Iterator

import numpy as np
from across_processes.report import Row

import pricecore

from .caches import CAPACITY, KEYS, hits, mixed
from .rounds import Body
from .threads import Team, beside_one, need_no_gil, rates

LEAST = 0.9
"""An exact order of use is serial: 1.0 would be two threads that lose nothing to each other."""


def drawn(seed: int, count: int) -> list[str]:
    """Draw keys by Zipf's law (0.99); each draw gives str objects of its own, as a thread that parses messages has."""
    weights = np.arange(1, KEYS + 1) ** -0.99
    ranks = np.random.default_rng(seed).choice(KEYS, count, p=weights / weights.sum())
    keys = [f"SYM{rank}" for rank in ranks]
    for key in keys:
        hash(key)
    return keys


def rows(args: argparse.Namespace) -> Iterator[Row]:
    need_no_gil("two threads in one cache")
    rounds, count = (2, 20_000) if args.quick else (20, 1_000_000)
    cache = pricecore.PriceCache(CAPACITY)
    keys = [drawn(seed, count) for seed in (1, 2)]
    for figure, make in (("get, put on a miss, in 2 threads", mixed), ("  get", hits)):
        bodies: list[Body] = [make((cache.get, cache.put), own) for own in keys]
        teams: dict[str, Team] = {"one": lambda b=bodies: b[:1], "two": lambda b=bodies: b}
        found = rates(teams, count, rounds)
        yield beside_one(f"PriceCache: {figure}", found["two"], found["one"], LEAST)
