"""The loops of native/handing_races.pyx in threads, with broken twins; tests/sanitize runs each on its own."""

from pathlib import Path
from types import ModuleType

from helpers.native import load_native
from helpers.threads import run_threads

RELAXED_STAMP, EARLY_STAMP, MISSING_CLAIM, RELAXED_LOOK, RELAXED_RETURN = 1, 2, 3, 4, 5
RELAXED_GIVE, RELAXED_TAKE, MISSING_SWAP = 1, 2, 3


def handing(races: ModuleType, count: int, batches: tuple = (1, 1), push: int = 0, pop: int = 0) -> None:
    """Push `count` records in a thread for each of `batches`, pop them in as many; each must arrive once, and whole."""
    race = races.QueueRace(len(batches), len(batches), len(batches) * count, 8)
    producers = [lambda i=i, n=n: races.push(race, 1 + i * count, count, n, push) for i, n in enumerate(batches)]
    consumers = [lambda n=n: races.pop(race, n, pop) for n in batches]
    jobs = producers + consumers
    popped = run_threads(len(jobs), lambda i: jobs[i]())[len(producers) :]
    if not push and not pop:
        assert sum(number for number, _ in popped) == len(batches) * count, popped
        assert all(wrong == 0 for _, wrong in popped), popped


def pooling(races: ModuleType, threads: int, rounds: int, buffers: int, broken: int = 0) -> None:
    """Use one pool in so many threads, two buffers each."""
    race = races.PoolRace(threads, buffers)
    wrong = run_threads(threads, lambda i: races.use(race, rounds, i, broken))
    if not broken:
        assert wrong == [0] * threads
        assert races.all_are_back(race)


RIGHT = {
    "queue: one producer, one consumer": lambda races: handing(races, 40_000, (1,)),
    "queue: two and two, one by one and in batches": lambda races: handing(races, 20_000, (1, 16)),
    "pool: two threads": lambda races: pooling(races, 2, 20_000, 4),
    "pool: four threads, too few buffers": lambda races: pooling(races, 4, 10_000, 5),
}

TWINS = {
    "queue: stamp without release": lambda races: handing(races, 10_000, push=RELAXED_STAMP),
    "queue: stamp before the record": lambda races: handing(races, 10_000, push=EARLY_STAMP),
    "queue: producers do not take turns": lambda races: handing(races, 10_000, push=MISSING_CLAIM),
    "queue: consumer does not acquire": lambda races: handing(races, 10_000, pop=RELAXED_LOOK),
    "queue: cell given back without release": lambda races: handing(races, 10_000, pop=RELAXED_RETURN),
    "pool: given without release": lambda races: pooling(races, 2, 10_000, 2, RELAXED_GIVE),
    "pool: taken without acquire": lambda races: pooling(races, 2, 10_000, 2, RELAXED_TAKE),
    "pool: two take the same": lambda races: pooling(races, 2, 10_000, 2, MISSING_SWAP),
}


def run(library: str, scenario: str) -> None:
    """Run one scenario; what the sanitizer saw it prints by itself."""
    (RIGHT | TWINS)[scenario](load_native(Path(library)))
