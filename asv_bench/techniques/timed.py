"""CPU time of a loop, in fresh processes of two installs by turns: each has another layout of memory."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent
READINGS, READING_NS = 25, 1_000_000


class Side(NamedTuple):
    """What is measured on one side."""

    package: Path
    """Stands before the installed package."""
    loop: str
    environment: Mapping[str, str]


def in_new_process(module: str, side: Side, *arguments: str) -> str:
    """Run the main function of a module of this folder with a package; return what it printed."""
    start = f"import sys; sys.path.append({str(FOLDER)!r}); import techniques.{module} as module; module.main()"
    environment = {**os.environ, **side.environment, "PYTHONPATH": str(side.package)}
    command = [sys.executable, "-P", "-c", start, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def ns_by_turns(sides: tuple[Side, Side], rounds: int) -> list[tuple[float, float]]:
    """Return the ns a row of both sides, of each round; who is first changes."""
    taken = []
    for number in range(rounds):
        order = (0, 1) if number % 2 else (1, 0)
        found = {i: float(in_new_process("timed", sides[i], sides[i].loop)) for i in order}
        taken.append((found[0], found[1]))
    return taken


def ns_a_row(name: str) -> float:
    """Return the smallest of some readings in this process, all threads counted."""
    from .loops import TIMED

    make, calls, rows, _ = TIMED[name]
    loop = make()
    loop(calls)
    begin = time.process_time_ns()
    loop(calls)
    turns = max(1, READING_NS // max(1, time.process_time_ns() - begin))
    readings = []
    for _ in range(READINGS):
        begin = time.process_time_ns()
        for _ in range(turns):
            loop(calls)
        readings.append(time.process_time_ns() - begin)
    return min(readings) / (turns * calls * rows)


def main() -> None:
    print(ns_a_row(sys.argv[1]), flush=True)
    os._exit(0)  # threads may wait for more
