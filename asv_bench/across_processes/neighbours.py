"""Functions that run in processes of their own, and the loops that are timed beside them."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

SPAWN = multiprocessing.get_context("spawn")
EPOCH_NS = 10**18
HANG_S = 120.0
"""Longer than any answer takes."""


@contextmanager
def neighbour(function: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run `function(pipe, *arguments)` in a new process; give our end of the pipe once it sent its first message.

    The process is killed at the end of the block.
    """
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=function, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        answer(ours)
        yield ours
    finally:
        process.kill()
        process.join()
        ours.close()


def answer(pipe: Connection, timeout_s: float = HANG_S) -> Any:
    """Return the next message of the process at the other end; RuntimeError when none comes."""
    try:
        if pipe.poll(timeout_s):
            return pipe.recv()
    except EOFError:
        raise RuntimeError("the other process ended; its error is above") from None
    raise RuntimeError(f"no answer of the other process within {timeout_s:g} s")


def ask(pipe: Connection, message: object) -> Any:
    """Send a message and return the answer."""
    pipe.send(message)
    return answer(pipe)


def interleaved(
    bodies: dict[str, Callable[[], object]],
    operations: int,
    rounds: int,
    clock_ns: Callable[[], int] = time.thread_time_ns,
) -> dict[str, float]:
    """Return the median time of an operation of each body over rounds in which every body has its turn."""
    samples: dict[str, list[float]] = {name: [] for name in bodies}
    for body in bodies.values():
        body()
    for _ in range(rounds):
        for name, body in bodies.items():
            begin = clock_ns()
            body()
            samples[name].append((clock_ns() - begin) / operations)
    return {name: statistics.median(values) for name, values in samples.items()}


def stamp_ns() -> int:
    """Return the monotonic time, the same in all processes, as a time of day that an update may carry."""
    return EPOCH_NS + time.monotonic_ns()


def sleep_until(due_s: float) -> None:
    """Sleep to a moment of time.monotonic; not at all when it is over."""
    left_s = due_s - time.monotonic()
    if left_s > 0:
        time.sleep(left_s)
