"""The program that callgrind watches: every loop of `benchmarks.loops`, each reading between two marks.

A mark is a call of the C library's getppid, which nothing else here calls; callgrind dumps and clears its counts
at each. Prints the names of the loops that could be made, in the order of the readings.
"""

import gc
import json
import os
import random
import sys
from collections.abc import Callable
from itertools import repeat

from benchmarks.loops import LOOPS, Loop

READINGS = 3
"""Of each length; the smallest counts."""
CHANCE = random.Random(1)
kept: list[list[bytes]] = []
mark = os.getppid


def read(loop: Loop, calls: int) -> None:
    for _ in range(READINGS):
        shuffle_memory()
        for length in (calls, 3 * calls):
            mark()
            loop(length)
            mark()


def shuffle_memory() -> None:
    """Leave holes and blocks of all sizes, so that the next reading's larger objects come to lie between others.

    Whether the C library merges what is freed with its neighbours, 1 % of a call, then differs between the readings.
    """
    blocks = [bytes(CHANCE.randrange(500, 5_000)) for _ in range(200)]
    kept.append(blocks[::2])


def empty(n: int) -> None:
    for _ in repeat(None, n):
        pass


def makeable(make: Callable[[], Loop]) -> Loop | None:
    """Return the loop, or None where an older version of the package lacks the call."""
    try:
        return make()
    except (AttributeError, ImportError, TypeError, ValueError):
        return None


def main() -> None:
    names = sys.argv[1:] or LOOPS
    loops = {name: makeable(LOOPS[name].make) for name in names}
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
