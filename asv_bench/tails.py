"""Tails: service latency and delay from schedule, at a steady rate, beside other work of the same machine.

    python asv_bench/tails.py [--seconds 60] [--rates 10000,100000] [--only NAME,...] [--json]

Each row is a process of its own: a thread sends updates on a schedule, the company named in the row works beside it.
Service latency runs from the entry of the call to the update being published; delay from the intended start of an
update to its end, so a stall is charged to every update that it holds up.
"""

import argparse
import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pricecore

FIGURES = ("p50_us", "p95_us", "p99_us", "p999_us", "max_us")
HEAD = f"{'rate /s':>8}  {'beside':<38}{'':<10}" + "".join(f"{name[:-3]:>10}" for name in FIGURES) + "  us"


def spin(stopped: Callable[[], bool]) -> None:
    number = 0
    while not stopped():
        number += 1


@contextmanager
def nothing() -> Iterator[None]:
    yield


@contextmanager
def thread(body: Callable[[Callable[[], bool]], None]) -> Iterator[None]:
    stop = threading.Event()
    worker = threading.Thread(target=body, args=(stop.is_set,))
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def idle_thread() -> AbstractContextManager[None]:
    """Wakes ten times a second."""

    def body(stopped: Callable[[], bool]) -> None:
        pause = threading.Event()
        while not stopped():
            pause.wait(0.1)

    return thread(body)


def busy_thread() -> AbstractContextManager[None]:
    """Computes in Python without a pause: it holds the GIL for a switch interval at a time, 5 ms as delivered."""
    return thread(spin)


@contextmanager
def busy_thread_short_interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(100e-6)
    try:
        with busy_thread():
            yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def busy_process() -> Iterator[None]:
    """The same work in a process of its own."""
    stop = multiprocessing.Event()
    worker = multiprocessing.Process(target=spin, args=(stop.is_set,))
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


@contextmanager
def busy_process_pinned() -> Iterator[None]:
    """Each of the two on a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    try:
        with busy_process():
            os.sched_setaffinity(0, {cores[0]})
            yield
    finally:
        os.sched_setaffinity(0, cores)


COMPANY: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "nothing": nothing,
    "an idle thread": idle_thread,
    "a busy thread": busy_thread,
    "a busy thread, switch interval 0.1 ms": busy_thread_short_interval,
    "a busy process": busy_process,
    "a busy process, both pinned": busy_process_pinned,
}


def measure(pipe: Any, name: str, rate: int, seconds: float) -> None:
    """Run in a process of its own; send service latency and delay."""
    with pricecore.PriceEngine(latency_window=1_000_000) as engine, COMPANY[name]():
        report = engine.run_performance_test(updates=int(rate * seconds), rate=rate)
    pipe.send((report.latency.as_dict(), report.schedule_delay.as_dict(), report.updates_per_s))


def rows(names: list[str], rates: list[int], seconds: float) -> Iterator[dict[str, Any]]:
    processes = multiprocessing.get_context("spawn")
    for rate in rates:
        for name in names:
            ours, theirs = processes.Pipe()
            worker = processes.Process(target=measure, args=(theirs, name, rate, seconds))
            worker.start()
            theirs.close()
            service, delay, reached = ours.recv()
            worker.join()
            yield {"rate": rate, "beside": name, "reached_per_s": reached, "service": service, "delay": delay}


def lines(row: dict[str, Any]) -> Iterator[str]:
    for label in ("service", "delay"):
        start = f"{row['rate']:>8,}  {row['beside']:<38}" if label == "service" else " " * 48
        yield f"{start}{label:<10}" + "".join(f"{row[label][name]:>10,.1f}" for name in FIGURES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rates", type=lambda text: [int(rate) for rate in text.split(",")], default=[10_000, 100_000])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(COMPANY), help=", ".join(COMPANY))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    measured = []
    if not args.json:
        print(HEAD)
    for row in rows(args.only, args.rates, args.seconds):
        measured.append(row)
        if not args.json:
            print("\n".join(lines(row)), flush=True)
    if args.json:
        print(json.dumps(measured))


if __name__ == "__main__":
    main()
