"""A conflating consumer that wakes each 5 ms behind 500 symbols at 15,000 updates a second: fresh, no backlog."""

import asyncio
import random
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import numpy as np

import pricecore

from .neighbours import neighbour, sleep_until, stamp_ns
from .report import Row, percentile

NAME = "conflation"
SYMBOLS = [f"SYM{i}" for i in range(500)]
RATE_PER_S = 15_000
TICK_S = 0.001
PAUSE_S = 0.005
LAZY_S = 0.3
"""Of a consumer that comes far too seldom: its backlog is judged, not its ages."""


def write(pipe: Connection) -> None:
    """Update symbols by chance, on schedule, until this process is killed."""
    update = pricecore.PriceEngine(NAME, max_symbols=1_024).update
    chance = random.Random(1)
    for symbol in SYMBOLS:
        update(symbol, 100.0, 1.0, stamp_ns())
    pipe.send("written")
    due_s = time.monotonic()
    while True:
        due_s += TICK_S
        sleep_until(due_s)
        for symbol in chance.choices(SYMBOLS, k=round(RATE_PER_S * TICK_S)):
            update(symbol, 100.0, 1.0, stamp_ns())


class Seen:
    """Ages of the records that were delivered, and the largest number of those that waited at once."""

    def __init__(self, subscription: pricecore.Subscription) -> None:
        self.subscription = subscription
        self.ages_ms: list[float] = []
        self.backlog = 0
        self.end_s = 0.0

    def start(self, seconds: float) -> None:
        self.end_s = time.monotonic() + seconds

    def take(self, batch: np.ndarray) -> bool:
        """Look at a batch; return whether there is time for more."""
        now_ns = stamp_ns()
        self.ages_ms += ((now_ns - batch["timestamp_ns"]) / 1e6).tolist()
        self.backlog = max(self.backlog, len(batch) + self.subscription.stats().pending)
        return time.monotonic() < self.end_s


def by_poll(view: pricecore.EngineView, seconds: float, pause_s: float, max_items: int = 1_024) -> Seen:
    with view.subscribe() as subscription:
        seen = Seen(subscription)
        seen.start(seconds)
        time.sleep(pause_s)
        while seen.take(subscription.poll(max_items)):
            time.sleep(pause_s)
    return seen


def by_batches(view: pricecore.EngineView, seconds: float) -> Seen:
    async def consume(seen: Seen) -> None:
        seen.start(seconds)
        async for batch in subscription.batches(max_delay_s=PAUSE_S):
            if not seen.take(batch):
                return

    with view.subscribe() as subscription:
        seen = Seen(subscription)
        asyncio.run(consume(seen))
    return seen


def rows(quick: bool) -> Iterator[Row]:
    seconds = 1.0 if quick else 5.0
    with neighbour(write), pricecore.attach(NAME) as view:
        awake = {"poll()": by_poll(view, seconds, PAUSE_S), "batches()": by_batches(view, seconds)}
        lazy = by_poll(view, 4 * LAZY_S, LAZY_S, 100)
    for way, seen in awake.items():
        yield Row(f"age p99, {way} each 5 ms", "ms", percentile(seen.ages_ms, 0.99), limit=10.0)
        yield Row(f"backlog, {way} each 5 ms", "records", seen.backlog, limit=len(SYMBOLS), exact=True)
    yield Row(f"backlog, poll(100) each {LAZY_S:g} s", "records", lazy.backlog, limit=len(SYMBOLS), exact=True)
