"""The rounds that our calls and their rivals share, and the updates that all of them get."""

import json
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

from across_processes.report import Skipped

Body = Callable[[], object]
Reference = dict[str, dict[str, float]]
Beside = dict[str, tuple[float, ...]]
"""Of each name ours, and theirs."""
Trade = tuple[str, float, float, int, float]

OPERATIONS = 10_000
TURNS = 3
"""Runs of the reference engines, ours right behind each."""
TIME_NS = 1_700_000_000_000_000_000


def trades(symbols: int = 1_000) -> list[Trade]:
    """Return 10,000 updates that go round over so many symbols."""
    names = [f"SYM{i}" for i in range(symbols)]
    return [(names[i % symbols], 100.0 + i % 9973 * 0.01, 1000.0 + i % 4999, TIME_NS, 2.5) for i in range(OPERATIONS)]


def interleaved(bodies: dict[str, Body], rounds: int, operations: int = OPERATIONS) -> dict[str, list[float]]:
    """Return the CPU time of an operation of each body in ns, one figure for each round."""
    for body in bodies.values():
        body()
    samples: dict[str, list[float]] = {name: [] for name in bodies}
    for _ in range(rounds):
        for name, body in bodies.items():
            begin_ns = time.thread_time_ns()
            body()
            samples[name].append((time.thread_time_ns() - begin_ns) / operations)
    return samples


def medians(
    bodies: dict[str, Body],
    rounds: int,
    loop: str = "loop",
    operations: int = OPERATIONS,
    without: tuple[str, ...] = (),
) -> dict[str, float]:
    """Return the median of each body, less that of the body named `loop`, if there is one.

    Bodies named in `without` have no such loop: nothing is taken off them.
    """
    times = {name: statistics.median(taken) for name, taken in interleaved(bodies, rounds, operations).items()}
    around = times.pop(loop, 0.0)
    return {name: taken if name in without else taken - around for name, taken in times.items()}


def reference_json(command: str | None) -> dict[str, Any]:
    """Run the reference engines and return all that they print; Skipped when no command is given."""
    if command is None:
        raise Skipped("the reference engines are not part of this package: --reference COMMAND runs them")
    printed = subprocess.run(shlex.split(command), check=True, capture_output=True).stdout
    return dict(json.loads(printed))


def reference(command: str | None) -> Reference:
    """Run the reference engines and return their figures, each its median CPU time."""
    engines = {name: figures for name, figures in reference_json(command).items() if isinstance(figures, dict)}
    return {name: dict(_medians(figures)) for name, figures in engines.items()}


def beside_reference(command: str | None, turns: int, measure: Callable[[Reference], Beside]) -> Beside:
    """Return medians of turns, in each of which ours is measured right behind theirs.

    The reference engines are another program, and a shared machine does not keep its speed for a minute."""
    measured = [measure(reference(command)) for _ in range(turns)]
    return {
        name: tuple(map(statistics.median, zip(*(turn[name] for turn in measured), strict=True)))
        for name in measured[0]
    }


def _medians(figures: dict[str, object]) -> Iterator[tuple[str, float]]:
    for name, figure in figures.items():
        if isinstance(figure, dict) and "cpu_median" in figure:
            yield name, figure["cpu_median"]
