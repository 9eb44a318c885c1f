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
HAD_A_CORE = 0.9
SYMBOLS = 64

Team = Callable[[], list[Body]]
"""Makes the work of a round: one body for each thread."""


class Round(NamedTuple):
    """How long all threads together took."""

    wall_s: float
    cpu_share: float
    """Processor time over that, of the thread that had the least."""


def side_by_side(bodies: list[Body]) -> Round:
    """Run each body in a thread of its own, released by a barrier."""
    barrier = threading.Barrier(len(bodies))
    spans: list[tuple[float, float, float]] = []

    def run(body: Body) -> None:
        barrier.wait()
        begin_s, begin_cpu_s = time.perf_counter(), time.thread_time()
        body()
        cpu_s = time.thread_time() - begin_cpu_s
        spans.append((begin_s, time.perf_counter(), cpu_s))

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = max(end_s for _, end_s, _ in spans) - min(begin_s for begin_s, _, _ in spans)
    return Round(wall_s, min(cpu_s for *_, cpu_s in spans) / wall_s)


def rates(teams: dict[str, Team], updates: int, rounds: int, least_share: float = 0.0) -> dict[str, float]:
    """Return the updates a second of each team: medians of rounds in which all teams have their turn.

    Rounds in which a thread had less than `least_share` of a core are left out, unless no other is left: what else the
    machine does stops threads that never wait.
    """
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in teams}
    for number in range(rounds + 1):
        for name, team in teams.items():
            bodies = team()
            taken = side_by_side(bodies)
            if number:  # the first is to warm up
                samples[name].append((len(bodies) * updates / taken.wall_s, taken.cpu_share))
    return {name: _median(taken, least_share) for name, taken in samples.items()}


def _median(samples: list[tuple[float, float]], least_share: float) -> float:
    undisturbed = [rate for rate, share in samples if share >= least_share]
    return statistics.median(undisturbed or [rate for rate, _ in samples])


def beside_one(figure: str, per_s: float, one_per_s: float, least: float) -> Row:
    return Row(figure, "M/s", per_s / 1e6, "one thread", one_per_s / 1e6, least, least=True)


def has_gil() -> bool:
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def batches(engine: pricecore.PriceEngine, calls: int) -> Body:
    """Return batches by id of every symbol of the engine."""
    ids = np.resize(engine.register([f"SYM{i}" for i in range(SYMBOLS)]), BATCH)
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
    rounds, calls = (2, 5) if args.quick else (60, CALLS)
    with pricecore.PriceEngine() as one, pricecore.PriceEngine() as other:
        teams: dict[str, Team] = {
            "alone": lambda: [batches(one, calls)],
            "shared": lambda: [batches(one, calls), batches(one, calls)],
            "own": lambda: [batches(one, calls), batches(other, calls)],
        }
        found = rates(teams, BATCH * calls, rounds)
    yield beside_one("update_many in 2 threads, one engine", found["shared"], found["alone"], SHARED_BATCHES)
    yield beside_one("  an engine each", found["own"], found["alone"], OWN_BATCHES)


def free_threaded_rows(args: argparse.Namespace) -> Iterator[Row]:
    """Single updates run side by side only where there is no GIL."""
    if has_gil():
        build = "this run has it on" if sysconfig.get_config_var("Py_GIL_DISABLED") else "this interpreter has one"
        raise Skipped(f"single updates of two threads need an interpreter without a GIL: {build}")
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
        found = rates(teams, SINGLES, rounds, HAD_A_CORE)
    yield beside_one("update in 2 threads, an engine each", found["own"], found["alone"], OWN_SINGLES)
    yield beside_one("  one engine, a writer() each", found["handles"], found["handle"], HANDLES)
    sustained = reference_json(args.reference)["limit"]["threads"]["sustained"]
    theirs = sustained["two_threads_per_s"]["median"] / sustained["one_thread_per_s"]["median"]
    ours = found["handles"] / found["handle"]
    yield Row("    over one", "times", ours, "reference engine (limit), alike", theirs, OVER_REFERENCE, least=True)
