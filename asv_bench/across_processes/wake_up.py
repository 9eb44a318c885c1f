"""From the writer's call to a consumer in another process that slept: a blocked thread, and an event loop's task.

Each update carries the monotonic time at which it was made, which the consumer compares with its own: the processes
share the clock. The rival is a bare futex, in C at both ends, with the same pause between two pings and by turns.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pricecore

from . import bare_futex
from .neighbours import answer, neighbour, stamp_ns
from .report import Row, percentile

SYMBOL = "A"
PAUSE_S = 0.001
TURN = 100
"""Pings of one kind before those of the next."""
LIMITS = {"thread": 2.0, "asyncio": 3.0}
WAITING = {"thread": "a thread in poll()", "asyncio": "async for ... in batches()"}


def receive_in_thread(pipe: Connection, name: str, pings: int) -> None:
    took_ns: list[int] = []
    with pricecore.attach(name) as view, view.subscribe(mode="all") as subscription:
        pipe.send("ready")
        while len(took_ns) < pings:
            batch = subscription.poll(64, None)
            now_ns = stamp_ns()
            took_ns += [now_ns - sent_ns for sent_ns in batch["timestamp_ns"].tolist()]
    pipe.send(took_ns)
    pipe.recv()


def receive_in_loop(pipe: Connection, name: str, pings: int) -> None:
    took_ns: list[int] = []

    async def consume() -> None:
        with pricecore.attach(name) as view, view.subscribe(mode="all") as subscription:
            pipe.send("ready")
            async for batch in subscription.batches(64):
                now_ns = stamp_ns()
                took_ns.extend(now_ns - sent_ns for sent_ns in batch["timestamp_ns"].tolist())
                if len(took_ns) >= pings:
                    return

    asyncio.run(consume())
    pipe.send(took_ns)
    pipe.recv()


def sender(engine: pricecore.PriceEngine) -> Callable[[int], None]:
    update = engine.update
    return lambda number: update(SYMBOL, 100.0 + number, 1.0, stamp_ns())


def send_by_turns(senders: dict[str, Callable[[int], None]], pings: int) -> None:
    for begin in range(0, pings, TURN):
        for send in senders.values():
            for number in range(begin, begin + TURN):
                time.sleep(PAUSE_S)
                send(number)


def measure(pings: int, folder: Path) -> dict[str, list[int]]:
    """Return the nanoseconds that each ping took to arrive, by the way of waiting."""
    in_c, in_python = bare_futex.build(folder / "c"), bare_futex.build(folder / "python")
    with (
        pricecore.PriceEngine("thread") as for_thread,
        pricecore.PriceEngine("asyncio") as for_loop,
        neighbour(bare_futex.receive, in_c, pings) as c,
        neighbour(bare_futex.receive_in_python, in_python, pings) as python,
        neighbour(receive_in_thread, "thread", pings) as thread,
        neighbour(receive_in_loop, "asyncio", pings) as loop,
    ):
        senders = {
            "c": bare_futex.sender(in_c),
            "python": bare_futex.sender(in_python),
            "thread": sender(for_thread),
            "asyncio": sender(for_loop),
        }
        send_by_turns(senders, pings)
        return {way: answer(pipe) for way, pipe in zip(senders, (c, python, thread, loop), strict=True)}


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        took_ns = measure(200 if quick else 2_000, Path(folder))
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        us = {way: percentile(took, share) / 1e3 for way, took in took_ns.items()}
        for way, limit in LIMITS.items():
            figure = f"wake-up {name}, {WAITING[way]}"
            yield Row(figure, "us", us[way], "bare futex, C to C", us["c"], limit if name == "p50" else None)
            yield Row(figure, "us", us[way], "bare futex, C to Python", us["python"])
