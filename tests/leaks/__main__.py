"""`python -m leaks [NAME ...]`: does each operation N times, again and again, and prints by how much memory grew.

What is counted is every byte that malloc has handed out and not got back, Python's objects included: start it with
PYTHONMALLOC=malloc and MALLOC_ARENA_MAX=1, or it ends with code 2. Beside that: descriptors, threads and mappings.
Of several rounds the least growth counts: a thread beside it may have taken something for good, a leak takes it in
every round. `--rounds R` sets how many; with `--silent` nothing is judged (for a checker that looks from outside).
"""

import argparse
import ctypes
import gc
import itertools
import json
import os
import sys
import tempfile
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from leaks.operations import OPERATIONS, an_engine

ROUNDS = 4
COUNTED = ("bytes", "descriptors", "threads", "mappings")
_PROC = Path("/proc/self")


class _Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of the C library."""

    _fields_: ClassVar = [
        ("arena", ctypes.c_size_t),
        ("chunks", ctypes.c_size_t * 3),
        ("hblkhd", ctypes.c_size_t),
        ("fast", ctypes.c_size_t * 2),
        ("uordblks", ctypes.c_size_t),
        ("free", ctypes.c_size_t * 2),
    ]


Count = Callable[[], tuple[int, ...]]


def counter() -> Count:
    """Return what counts the figures of `COUNTED`.

    Raises
    ------
    RuntimeError
        The C library cannot tell, or Python keeps memory of its own.
    """
    if os.environ.get("PYTHONMALLOC") != "malloc" or os.environ.get("MALLOC_ARENA_MAX") != "1":
        raise RuntimeError("start with PYTHONMALLOC=malloc MALLOC_ARENA_MAX=1: else growth does not show")
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        raise RuntimeError("this C library has no mallinfo2")
    library.mallinfo2.restype = _Mallinfo

    def count() -> tuple[int, ...]:
        gc.collect()
        mappings = len((_PROC / "maps").read_text().splitlines())
        descriptors, threads = (sum(1 for _ in (_PROC / name).iterdir()) for name in ("fd", "task"))
        info = library.mallinfo2()
        return info.uordblks + info.hblkhd, descriptors, threads, mappings

    return count


def grown(repeat: Callable[[int], object], count: int, rounds: int, counted: Count) -> dict[str, int]:
    """Return by how much everything grew in the round in which it grew least."""
    readings = array("q", [0] * len(COUNTED) * (rounds + 1))  # made now: what is kept of a reading must not count
    for number in range(rounds + 1):
        repeat(count)  # the first time is not counted: what it makes is no leak
        for place, value in enumerate(counted()):
            readings[number * len(COUNTED) + place] = value
    columns = [readings[place :: len(COUNTED)] for place in range(len(COUNTED))]
    steps = [[after - before for before, after in itertools.pairwise(column)] for column in columns]
    return dict(zip(COUNTED, map(min, steps), strict=True))


def main() -> int:
    """Print a JSON object: by operation its growth and how often it was done a round."""
    parser = argparse.ArgumentParser(prog="python -m leaks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(OPERATIONS)}; by default all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--silent", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PRICECORE_SHM_DIR"] = tempfile.tempdir = folder
        if args.silent:
            _do(args.names, args.rounds)
            return 0
        try:
            counted = counter()
        except RuntimeError as error:
            print(f"SKIP {error}", file=sys.stderr)
            return 2
        found = {}
        with an_engine() as engine:
            for name in args.names or OPERATIONS:
                make, count = OPERATIONS[name]
                found[name] = grown(make(engine), count, args.rounds, counted) | {"count": count}
    print(json.dumps(found))
    return 0


def _do(names: list[str], rounds: int) -> None:
    with an_engine() as engine:
        for name in names or OPERATIONS:
            make, count = OPERATIONS[name]
            repeat = make(engine)
            for _ in range(rounds):
                repeat(count // 10 or 1)


if __name__ == "__main__":
    sys.exit(main())
