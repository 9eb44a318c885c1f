"""Threads that start together, fail loudly and never hang a test run."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

at_once = pytest.mark.skipif(CORES < 2, reason="threads do not run at the same time on one core")
"""For tests that wait for a race to show."""


def tries(for_s: float = 100.0) -> Iterator[int]:
    """Count up for so long: what a race shows, it shows when the machine lets threads run at the same time."""
    end_s = time.monotonic() + for_s
    number = 0
    while time.monotonic() < end_s:
        yield number
        number += 1


@contextmanager
def switch_interval(seconds: float):
    """Let the interpreter change threads more often, so that races have a chance to show."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def run_threads(count: int, target: Callable[[int], object], timeout_s: float = 120.0) -> list[object]:
    """Call `target(index)` in `count` threads released by one barrier; return the results in order.

    The first error of a thread is raised here. A thread that does not end within `timeout_s` raises TimeoutError.
    """
    barrier = threading.Barrier(count)
    results: list[object] = [None] * count
    errors: list[BaseException] = []

    def body(index: int) -> None:
        try:
            barrier.wait(timeout_s)
            results[index] = target(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=body, args=(i,), daemon=True) for i in range(count)]
    with switch_interval(1e-5):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout_s)
    if errors:
        raise errors[0]
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError(f"{sum(t.is_alive() for t in threads)} of {count} threads still run after {timeout_s} s")
    return results
