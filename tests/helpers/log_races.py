"""The loops of native/log_races.pyx in threads, with broken twins: tests/sanitize runs each in its own interpreter."""

from pathlib import Path
from types import ModuleType

from helpers.native import load_native
from helpers.threads import run_threads

EARLY_DURABLE, RELAXED_DURABLE, RELAXED_OVER, EARLY_END, RELAXED_END = 1, 2, 3, 4, 5
RELAXED_LOOK = 1


def waiting(races: ModuleType, waiters: int, broken: int = 0, look: int = 0) -> list[tuple[int, int]]:
    """Run a log's thread and those that wait; return what each of them counted."""
    race = races.LogRace(waiters, 1_000_000)
    jobs = [lambda: races.write(race, broken)] + [lambda: races.wait(race, look)] * waiters
    return run_threads(len(jobs), lambda i: jobs[i]())[1:]


RIGHT = {
    "log: one waits": lambda races: waiting(races, 1),
    "log: three wait": lambda races: waiting(races, 3),
}

TWINS = {
    "log: durable before it is written": lambda races: waiting(races, 2, EARLY_DURABLE),
    "log: durable without release": lambda races: waiting(races, 2, RELAXED_DURABLE),
    "log: over without release": lambda races: waiting(races, 2, RELAXED_OVER),
    "log: ended before the last access": lambda races: waiting(races, 2, EARLY_END),
    "log: ended without release": lambda races: waiting(races, 2, RELAXED_END),
    "log: who waits does not acquire": lambda races: waiting(races, 2, look=RELAXED_LOOK),
}


def run(library: str, scenario: str) -> None:
    """Run one scenario; what was seen is checked, what the sanitizer saw it prints by itself."""
    races = load_native(Path(library))
    if scenario in TWINS:
        TWINS[scenario](races)
        return
    seen = 0
    while not seen:  # a round may be over before who waits got a core
        counts = RIGHT[scenario](races)
        assert all(wrong == 0 for _, wrong in counts), counts
        seen = min(count for count, _ in counts)
