"""The program that callgrind watches: every loop of `benchmarks.loops`, each reading between two marks.

A mark is a call of the C library's getppid, which nothing else here calls; callgrind dumps and clears its counts
at each. Prints the names of the loops that could be made, in the order of the readings.
"""

import gc
import json
import os
from collections.abc import Callable
from itertools import repeat

from benchmarks.loops import LOOPS, Loop

READINGS = 3
"""Of each length; the smallest counts."""
mark = os.getppid
kept: list[list[bytes]] = []


def read(loop: Loop, calls: int) -> None:
    for _ in range(READINGS):
        for length in (calls, 3 * calls):
            shift_small_objects()
            mark()
            loop(length)
            mark()


def shift_small_objects() -> None:
    """Keep one object more of each small size.

    Where the objects of a loop come to lie at the edge of one of the allocator's pools, every turn takes and returns
    that pool, 1 % of a call: chance, which the next reading does not have again.
    """
    kept.append([bytes(size) for size in range(0, 480, 16)])


def empty(n: int) -> None:
    for _ in repeat(None, n):
        pass


def makeable(make: Callable[[], Loop]) -> Loop | None:
    """Return the loop, or None where an older version of the package lacks the call."""
    try:
        return make()
    except (AttributeError, ImportError, TypeError):
        return None


def main() -> None:
    loops = {name: makeable(way.make) for name, way in LOOPS.items()}
    made = {name: loop for name, loop in loops.items() if loop is not None}
    for name, loop in made.items():
        loop(3 * LOOPS[name].calls)  # the interpreter has specialised the code, the linker has bound the symbols
    empty(1_000)
    gc.collect()
    gc.disable()
    read(empty, 1_000)
    for name, loop in made.items():
        read(loop, LOOPS[name].calls)
    print(json.dumps(list(made)), flush=True)
    os._exit(0)  # the interpreter's own end would only be counted


if __name__ == "__main__":
    main()
