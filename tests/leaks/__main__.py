"""`python -m leaks [NAME ...]`: does each operation N times, again and again, and judges by how much memory grew.

What is counted is every byte that malloc has handed out and not got back, Python's objects included: start it with
PYTHONMALLOC=malloc and MALLOC_ARENA_MAX=1, or it ends with code 2. Beside that: descriptors, threads and mappings.
A leak takes something in every round. Caches of Python and numpy fill, and other threads take things for good, now and
then: so rounds go on until one took no more than is allowed, at most `--rounds`. Exit code 1: something leaks.

With `--silent` nothing is judged and each operation is done a tenth as often, `--rounds` times: for a checker that
looks from outside.
"""

import argparse
import ctypes
import gc
import os
import sys
import tempfile
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from leaks.operations import OPERATIONS, an_engine

MOST_ROUNDS = 24
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


def allowed_bytes(count: int) -> int:
    """Return what a round of so many may leave behind: far less than the smallest block, 16 bytes, each."""
    return 768 + count // 2


def grown(repeat: Callable[[int], object], count: int, rounds: int, counted: Count) -> dict[str, int]:
    """Return by how much everything grew in the round in which it grew least."""
    allowed = (allowed_bytes(count), 0, 0, 0)
    repeat(count)  # not counted: what the first time makes is no leak
    # Made now: what is kept of a reading must not count.
    before, least = array("q", [0] * len(COUNTED)), array("q", [1 << 62] * len(COUNTED))
    _put(counted(), before)
    for _ in range(rounds):
        repeat(count)
        for place, value in enumerate(counted()):
            least[place] = min(least[place], value - before[place])
            before[place] = value
        if all(one <= most for one, most in zip(least, allowed, strict=True)):
            break
    return dict(zip(COUNTED, least, strict=True))


def _put(values: tuple[int, ...], places: array) -> None:
    for place, value in enumerate(values):
        places[place] = value


def main() -> int:
    """Print a row for each operation; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m leaks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(OPERATIONS)}; by default all")
    parser.add_argument("--rounds", type=int, default=MOST_ROUNDS)
    parser.add_argument("--silent", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PRICECORE_SHM_DIR"] = tempfile.tempdir = folder
        if args.silent:
            return _do(args.names or list(OPERATIONS), args.rounds)
        try:
            return _judge(args.names or list(OPERATIONS), args.rounds, counter())
        except RuntimeError as error:
            print(f"SKIP {error}", file=sys.stderr)
            return 2


def _judge(names: list[str], rounds: int, counted: Count) -> int:
    leaking = 0
    with an_engine() as engine:
        for name in names:
            make, count = OPERATIONS[name]
            with ExitStack() as opened:
                found = grown(make(engine, opened), count, rounds, counted)
            leaks = found["bytes"] > allowed_bytes(count) or any(found[what] > 0 for what in COUNTED[1:])
            leaking += leaks
            figures = ", ".join(f"{found[what]:+,} {what}" for what in COUNTED)
            print(f"{'LEAKS ' if leaks else ''}{name}: {figures} over {count:,}", flush=True)
    return min(leaking, 1)


def _do(names: list[str], rounds: int) -> int:
    with an_engine() as engine:
        for name in names:
            make, count = OPERATIONS[name]
            with ExitStack() as opened:
                repeat = make(engine, opened)
                for _ in range(rounds):
                    repeat(count // 10 or 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
