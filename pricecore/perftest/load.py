"""What one thread of a performance test sends: its share of the updates, at full speed or on a schedule."""

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from threading import Event
from typing import NamedTuple

from pricecore.errors import InvalidUpdateError, RingFullError
from pricecore.metrics.latency import LatencyBuffer

Update = Callable[[str, float], bool]
Row = tuple[str, float]

BLOCK_ROWS = 1_000
SLEEP_UNTIL_NS = 200_000
"""A sleep ends up to this much late; what is left of a wait is spun."""


class Schedule(NamedTuple):
    """Intended starts of one thread's updates, in ns of `time.perf_counter_ns`."""

    first_ns: int
    period_ns: float

    def starts(self) -> Iterator[int]:
        """Yield the intended starts, each computed from the first one, so that no error adds up."""
        k = 0
        while True:
            yield self.first_ns + round(k * self.period_ns)
            k += 1


def rows_for(symbols: list[str]) -> list[Row]:
    """Return a block of rows over these symbols; no two rows of it have the same price."""
    return [(symbol, 100.0 + i / 100) for i, symbol in enumerate(islice(cycle(symbols), BLOCK_ROWS))]


def send_saturated(update: Update, rows: list[Row], count: int, stopped: Event) -> int:
    """Send `count` updates one behind the other; return how many were applied."""
    applied = 0
    for sent in range(0, count, BLOCK_ROWS):
        if stopped.is_set():
            break
        applied += _send_block(update, rows if count - sent >= BLOCK_ROWS else rows[: count - sent])
    return applied


def _send_block(update: Update, rows: list[Row]) -> int:
    applied = 0
    for symbol, price in rows:
        try:  # noqa: SIM105 - suppress() costs more than the update
            applied += update(symbol, price)
        except (InvalidUpdateError, RingFullError):
            pass  # the engine has counted it by reason
    return applied


def send_on_schedule(
    update: Update, rows: list[Row], count: int, stopped: Event, schedule: Schedule, delays: LatencyBuffer
) -> int:
    """Send `count` updates, none before its intended start; return how many were applied.

    One that is late starts at once, none is left out, and its delay runs from the intended start: a stall is charged
    to every update that it holds up, which is what their senders would see.
    """
    applied = 0
    now = time.perf_counter_ns
    for (symbol, price), start_ns in zip(islice(cycle(rows), count), schedule.starts(), strict=False):
        if now() < start_ns:
            wait_until(start_ns, stopped)
        if stopped.is_set():
            break
        try:  # noqa: SIM105 - suppress() costs more than the update
            applied += update(symbol, price)
        except (InvalidUpdateError, RingFullError):
            pass  # the engine has counted it by reason
        delays.record(now() - start_ns)
    return applied


def wait_until(start_ns: int, stopped: Event) -> None:
    """Sleep through most of the time that is left, spin through the rest; give up when `stopped` is set."""
    while (left_ns := start_ns - time.perf_counter_ns()) > 0:
        if left_ns > SLEEP_UNTIL_NS:
            stopped.wait((left_ns - SLEEP_UNTIL_NS) / 1e9)
            if stopped.is_set():
                return
        else:
            time.sleep(0)  # lets other threads of this process have the GIL
