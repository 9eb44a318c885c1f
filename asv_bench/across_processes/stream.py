"""One reader in mode "all" behind a writer at five million updates a second: no record may be lost or out of place."""

import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np

import pricecore

from .neighbours import answer, neighbour, sleep_until
from .report import Row

NAME = "stream"
RING = 1 << 20
BATCH = 10_000
RATE_PER_S = 5_000_000
POLL = 16_384
SYMBOLS = [f"SYM{i}" for i in range(500)]
QUIET_S = 20.0
"""A reader to whom nothing comes for so long has missed the end."""


def write(pipe: Connection, batches: int) -> None:
    """Write on schedule; a batch that comes late is not left out. Sends the seconds that it took."""
    engine = pricecore.PriceEngine(NAME, ring_capacity=RING)
    ids = np.resize(engine.register(SYMBOLS), BATCH).astype(np.int32)
    prices, volumes = np.linspace(90.0, 110.0, BATCH), np.ones(BATCH)
    engine.update_many(ids, prices, volumes)
    pipe.send("ready")
    pipe.recv()
    begin_s = time.monotonic()
    for i in range(batches):
        sleep_until(begin_s + i * BATCH / RATE_PER_S)
        engine.update_many(ids, prices, volumes)
    pipe.send(time.monotonic() - begin_s)
    pipe.recv()


class Followed(NamedTuple):
    """What the reader saw."""

    lost: int
    misplaced: int
    """Sequences that did not rise, and gaps that were not reported as lost."""
    cpu_s: float


def follow(subscription: pricecore.Subscription, total: int) -> Followed:
    """Read until the total has come or was lost."""
    begin = last = subscription.next_sequence - 1
    backward, begin_s = 0, time.thread_time()
    delivered = lost = 0
    while delivered + lost < total:
        sequences = subscription.poll(POLL, QUIET_S)["sequence"]
        if not len(sequences):
            break
        steps = np.diff(sequences.astype(np.int64), prepend=last)
        backward += int(np.count_nonzero(steps < 1))
        last = int(sequences[-1])
        delivered += len(sequences)
        lost = subscription.stats().lost
    cpu_s = time.thread_time() - begin_s
    unreported = abs(last - begin - delivered - lost)
    return Followed(max(lost, total - delivered), backward + unreported, cpu_s)


def rows(quick: bool) -> Iterator[Row]:
    batches = (RING if quick else 10 * RATE_PER_S) // BATCH  # the short form fits into the ring: it cannot lose
    total = batches * BATCH
    with (
        neighbour(write, batches) as pipe,
        pricecore.attach(NAME) as view,
        view.subscribe(mode="all") as subscription,
    ):
        pipe.send("go")
        followed = follow(subscription, total)
        took_s = answer(pipe)
    asked_s, records = total / RATE_PER_S, f"of {total / 1e6:g} M records"
    yield Row(f"lost {records}", "records", followed.lost, limit=0, exact=quick)
    yield Row(f"out of place {records}", "records", followed.misplaced, limit=0, exact=True)
    yield Row("writer's time for them", "s", took_s, "at 5 M a second", asked_s, 1.02)
    yield Row("reader's CPU time for them", "s", followed.cpu_s, "at 5 M a second", asked_s)
