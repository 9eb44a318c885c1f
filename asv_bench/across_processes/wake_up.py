"""From the writer's call to a consumer in another process that slept: a blocked thread, and an event loop's task.

Each update carries the monotonic time at which it was made, which the consumer compares with its own: the processes
share the clock. The rival is a bare futex, sent in C and received by Python, as ours are; in C at both ends, and a bare
event loop woken by an eventfd, are shown. All have the same pause between two pings and come by turns.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

import pricecore

from . import bare_futex, bare_loop
from .neighbours import answer, neighbour, stamp_ns
from .report import Row, percentile

SYMBOL = "A"
PAUSE_S = 0.001
TURN = 100
"""Pings of one kind before those of the next."""
PYTHON, C, LOOP = "bare futex, C to Python", "bare futex, C to C", "bare asyncio loop, eventfd"
JUDGED = {"a thread in poll()": 2.0, "batches(), asyncio": 3.0, "batches(), uvloop": 3.0}


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


def receive_in_uvloop(pipe: Connection, name: str, pings: int) -> None:
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    receive_in_loop(pipe, name, pings)


def has_uvloop() -> bool:
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return False
    return True


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
    wakes = bare_loop.Wakes(folder / "wakes")
    ways = dict(zip(JUDGED, (receive_in_thread, receive_in_loop, receive_in_uvloop), strict=True))
    if not has_uvloop():
        del ways["batches(), uvloop"]
    with ExitStack() as stack:
        begin = stack.enter_context
        pipes = {
            C: begin(neighbour(bare_futex.receive, in_c, pings)),
            PYTHON: begin(neighbour(bare_futex.receive_in_python, in_python, pings)),
            LOOP: begin(neighbour(bare_loop.receive, wakes, pings)),
        }
        senders = {
            C: bare_futex.sender(in_c),
            PYTHON: bare_futex.sender(in_python),
            LOOP: bare_loop.sender(wakes),
        }
        for number, (way, receive) in enumerate(ways.items()):
            senders[way] = sender(begin(pricecore.PriceEngine(f"wake-{number}")))
            pipes[way] = begin(neighbour(receive, f"wake-{number}", pings))
        send_by_turns(senders, pings)
        return {way: answer(pipe) for way, pipe in pipes.items()}


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        took_ns = measure(200 if quick else 2_000, Path(folder))
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        us = {way: percentile(took, share) / 1e3 for way, took in took_ns.items()}
        for way, limit in JUDGED.items():
            if way not in us:
                continue
            figure = f"wake-up {name}, {way}"
            yield Row(figure, "us", us[way], PYTHON, us[PYTHON], limit if name == "p50" else None)
            rival = C if way.startswith("a thread") else LOOP
            yield Row(figure, "us", us[way], rival, us[rival])
