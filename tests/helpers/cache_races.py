"""The loops of native/cache_races.pyx in threads, with broken twins; tests/sanitize gives each its own interpreter."""

from pathlib import Path
from types import ModuleType

from helpers.native import load_native
from helpers.threads import run_threads

RELAXED_UNLOCK, RELAXED_LOCK, MISSING_LOCK = 1, 2, 3


def using(races: ModuleType, threads: int, rounds: int, broken: int = 0) -> None:
    """Use one cache in so many threads, and look what has become of it."""
    race = races.CacheRace(threads)
    wrong = run_threads(threads, lambda seed: races.work(race, rounds, seed, broken))
    if not broken:
        assert wrong == [0] * threads
        races.check(race, threads * rounds)


RIGHT = {
    "cache: two threads": lambda races: using(races, 2, 60_000),
    "cache: four threads": lambda races: using(races, 4, 30_000),
}

TWINS = {
    "cache: let go without release": lambda races: using(races, 2, 20_000, RELAXED_UNLOCK),
    "cache: taken without acquire": lambda races: using(races, 2, 20_000, RELAXED_LOCK),
    "cache: a look without taking it": lambda races: using(races, 2, 20_000, MISSING_LOCK),
}


def run(library: str, scenario: str) -> None:
    """Run one scenario; what the sanitizer saw it prints by itself."""
    (RIGHT | TWINS)[scenario](load_native(Path(library)))
