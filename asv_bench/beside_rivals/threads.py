"""Two threads beside one: updates a second of all threads together, in wall time.

Who reads these figures wants to know whether a second thread helps, so the rival is always the same call in one thread.
"""

import argparse
import statistics
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from across_processes.report import Row, Skipped

import pricecore

from .rounds import TIME_NS, Body, reference_json

SHARED_BATCHES, OWN_BATCHES = 0.8, 1.7
OWN_SINGLES, HANDLES = 1.7, 1.0
OVER_REFERENCE = 1.5
BATCH, CALLS, SINGLES = 10_000, 25, 10_048
"""Rows of a batch, batches and single updates of a thread in a round: long beside the start of a thread."""
MOST_WAITED = 0.07
"""Share of a round that a thread may wait for a core: more, and other programs were measured too."""
SYMBOLS = 64

Team = Callable[[], list[Body]]
"""Makes the work of a round: one body for each thread."""


class Round(NamedTuple):
    """How long all threads together took."""

    wall_s: float
    waited: float
    """Share of it for which a thread was ready to run and had no core, of the one that waited longest."""


def waited_s() -> float:
    """Return how long this thread has waited for a core; waits for another thread are not in it. 0.0: nobody says."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def side_by_side(bodies: list[Body]) -> Round:
    """Run each body in a thread of its own, released by a barrier."""
    barrier = threading.Barrier(len(bodies))
    spans: list[tuple[float, float, float]] = []

    def run(body: Body) -> None:
        waited_before_s = waited_s()  # then for its start, too, once the barrier is open
        barrier.wait()
        begin_s = time.perf_counter()
        body()
        spans.append((begin_s, time.perf_counter(), waited_s() - waited_before_s))

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = max(end_s for _, end_s, _ in spans) - min(begin_s for begin_s, _, _ in spans)
    return Round(wall_s, max(waited for *_, waited in spans) / wall_s)


def rates(teams: dict[str, Team], updates: int, rounds: int) -> dict[str, float]:
    """Return the updates a second of each team: medians of rounds in which all teams have their turn.

    Rounds in which a thread had no core for long are left out, unless no other is left.
    """
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in teams}
    for number in range(rounds + 1):
        for name, team in teams.items():
            bodies = team()
            taken = side_by_side(bodies)
            if number:  # the first is to warm up
                samples[name].append((len(bodies) * updates / taken.wall_s, taken.waited))
    return {name: _median(taken) for name, taken in samples.items()}


def _median(samples: list[tuple[float, float]]) -> float:
    undisturbed = [rate for rate, waited in samples if waited <= MOST_WAITED]
    return statistics.median(undisturbed or [rate for rate, _ in samples])


def beside_one(figure: str, per_s: float, one_per_s: float, least: float) -> Row:
    return Row(figure, "M/s", per_s / 1e6, "one thread", one_per_s / 1e6, least, least=True)


def has_gil() -> bool:
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def batches(engine: pricecore.PriceEngine, label: str, calls: int) -> Body:
    """Return batches by id of symbols that start with `label`."""
    ids = np.resize(engine.register([f"{label}{i}" for i in range(SYMBOLS)]), BATCH)
    prices, volumes = np.linspace(90.0, 110.0, BATCH), np.linspace(1.0, 2.0, BATCH)

    def body() -> None:
        for _ in range(calls):
            engine.update_many(ids, prices, volumes)

    return body


def singles(updates_of: Callable[[], Callable[..., bool]], label: str, updates: int) -> Body:
    """Return updates of symbols that start with `label`; all that the calls use is made in their thread."""

    def body() -> None:
        update = updates_of()
        names = [sys.intern(f"{label}{i}") for i in range(SYMBOLS)]
        rows = [(name, 100.0 + i, 1.0 + i, TIME_NS + i, 0.5 + i) for i, name in enumerate(names)]
        for _ in range(updates // SYMBOLS):
            for symbol, price, volume, time_ns, change in rows:
                update(symbol, price, volume, time_ns, change)

    return body


def rows(args: argparse.Namespace) -> Iterator[Row]:
    """Batches let the GIL go: they run side by side."""
    rounds, calls = (2, 5) if args.quick else (300, CALLS)
    with pricecore.PriceEngine() as one, pricecore.PriceEngine() as other:
        teams: dict[str, Team] = {
            "alone": lambda: [batches(one, "A", calls)],
            "own symbols": lambda: [batches(one, "A", calls), batches(one, "B", calls)],
            "same symbols": lambda: [batches(one, "A", calls), batches(one, "A", calls)],
            "own engines": lambda: [batches(one, "A", calls), batches(other, "A", calls)],
        }
        found = rates(teams, BATCH * calls, rounds)
    alone = found["alone"]
    yield beside_one("update_many in 2 threads, one engine", found["own symbols"], alone, SHARED_BATCHES)
    yield beside_one("  the same symbols", found["same symbols"], alone, SHARED_BATCHES)
    yield beside_one("  an engine each", found["own engines"], alone, OWN_BATCHES)


def need_no_gil(what: str) -> None:
    if has_gil():
        build = "this run has it on" if sysconfig.get_config_var("Py_GIL_DISABLED") else "this interpreter has one"
        raise Skipped(f"{what} need an interpreter without a GIL: {build}")


def free_threaded_rows(args: argparse.Namespace) -> Iterator[Row]:
    """Single updates run side by side only where there is no GIL."""
    need_no_gil("single updates of two threads")
    rounds = 2 if args.quick else 500
    with pricecore.PriceEngine() as one, pricecore.PriceEngine() as other:
        handles = [one.writer(), one.writer()]
        teams: dict[str, Team] = {
            "alone": lambda: [singles(lambda: one.update, "A", SINGLES)],
            "own": lambda: [singles(lambda: one.update, "A", SINGLES), singles(lambda: other.update, "B", SINGLES)],
            "handle": lambda: [singles(lambda: handles[0].update, "A", SINGLES)],
            "handles": lambda: [
                singles(lambda: handles[0].update, "A", SINGLES),
                singles(lambda: handles[1].update, "B", SINGLES),
            ],
        }
        found = rates(teams, SINGLES, rounds)
    yield beside_one("update in 2 threads, an engine each", found["own"], found["alone"], OWN_SINGLES)
    yield beside_one("  one engine, a writer() each", found["handles"], found["handle"], HANDLES)
    sustained = reference_json(args.reference)["limit"]["threads"]["sustained"]
    theirs = sustained["two_threads_per_s"]["median"] / sustained["one_thread_per_s"]["median"]
    ours = found["handles"] / found["handle"]
    yield Row("    over one", "times", ours, "reference engine (limit), alike", theirs, OVER_REFERENCE, least=True)
