"""`kill -9` of the writer at random points, round after round, under the eyes of readers that stay.

PRICECORE_KILL_ROUNDS sets the number of rounds of the short form; the long one is marked `slow`.
"""

import os
import random
import time

import pytest
from helpers.crashes import (
    BASE,
    LAUNCH,
    SIZES,
    check_goes_on,
    check_left,
    check_mended,
    kill_writer,
    python,
    tell,
)
from helpers.watching import ask, watcher

from pricecore import PriceEngine, attach

ROUNDS = int(os.environ.get("PRICECORE_KILL_ROUNDS", "20"))
LONGEST_S = 0.02  # that a writer lives after its first update: some thousand updates


def kill_round(launcher, view, reader, number, life_s):
    """One writer's life and death, and the next writer's inheritance; returns what it had written."""
    generation, before = view.generation, view.symbols()
    pid = int(tell(launcher, f"md {number % 100}"))
    assert (view.alive, view.generation) == (True, generation + 1)
    time.sleep(life_s)
    kill_writer(launcher, pid)
    left, sequence = check_left(view)
    assert list(left)[: len(before)] == before
    seen = ask(reader)
    assert (seen["alive"], seen["generation"], seen["sequence"]) == (False, generation + 1, sequence)
    with PriceEngine("md", **SIZES) as engine:
        check_mended(engine, left, sequence)
        assert ask(reader)["next"] == sequence + 1, "the stream goes on over the tickets that were left open"
        check_goes_on(engine, number % 100)
        assert (view.alive, view.generation) == (True, generation + 2)
    return sequence


def run_rounds(rounds):
    print(f"seed {(seed := time.time_ns())}")  # shown when it fails
    lives = random.Random(seed)
    with PriceEngine("md", **SIZES) as engine:
        engine.register(BASE)
    written = 0
    with attach("md") as view, watcher("md") as reader, python(LAUNCH) as launcher:
        for number in range(rounds):
            sequence = kill_round(launcher, view, reader, number, lives.uniform(0, LONGEST_S))
            assert sequence > written
            written = sequence
        assert ask(reader)["generation"] == view.generation == 1 + 2 * rounds
        assert ask(reader)["reads"] > rounds


def test_readers_and_next_writers_survive_writers_that_are_killed():
    run_rounds(ROUNDS)


@pytest.mark.slow
def test_readers_and_next_writers_survive_two_hundred_writers_that_are_killed():
    run_rounds(200)
