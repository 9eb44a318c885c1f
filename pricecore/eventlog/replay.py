"""Level 4: a log played into an engine."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.eventlog.pacing import Pace, speed_of
from pricecore.eventlog.snapshots import in_order
from pricecore.eventlog.state_at import Recorded, state_before

if TYPE_CHECKING:
    from typing import Any

_QUOTE_KIND = 1


class ReplayReport(NamedTuple):
    """What a replay did.

    Attributes
    ----------
    records : int
        Records of the log that went in, of every kind, without those of the state that it began with.
    updates : int
        Trades and quotes among them.
    first_sequence, last_sequence : int
        Of the log; 0 when there was none.
    kept_sequence : bool
        Whether the engine has the log's own sequences and receive times.
    recorded_s : float
        Between the first and the last receive time.
    wall_s : float
        How long it took.
    """

    records: int
    updates: int
    first_sequence: int
    last_sequence: int
    kept_sequence: bool
    recorded_s: float
    wall_s: float


def replay(
    log: Recorded,
    into: "Any",
    speed: "str | float" = "max",
    start: int | None = None,
    stop: int | None = None,
    on_block: Callable[[NDArray[np.void]], object] | None = None,
    head: NDArray[np.void] | None = None,
) -> ReplayReport:
    """Play the records from `start` up to before `stop` into an engine; `EventLog.replay` describes it."""
    if not hasattr(into, "_begin_replay"):
        raise TypeError(f"replay goes into a PriceEngine, not {type(into).__name__} {into!r}")
    pace, tally = Pace(speed_of(speed)), _Tally()
    first = log.first_sequence if start is None else max(start, log.first_sequence)
    end = log.last_sequence + 1 if stop is None else min(stop, log.last_sequence + 1)
    taker = into._begin_replay()
    if 1 < first < end:
        taker.apply(in_order(state_before(log, first, head).records()), log.path, at_once=True)
    for records in log.blocks(start=first, stop=end) if first < end else ():
        for piece in pace.pieces(records):
            taker.apply(piece, log.path)
            tally.count(piece)
            if on_block is not None:
                on_block(piece)
    return tally.report(taker.keeps_sequence)


class _Tally:
    """Counts what went in."""

    def __init__(self) -> None:
        self.started_s = time.monotonic()
        self.records = self.updates = self.first = self.last = 0
        self.least_ns = self.greatest_ns = 0

    def count(self, records: NDArray[np.void]) -> None:
        if not len(records):
            return
        times = records["received_ns"][records["kind"] <= _QUOTE_KIND]
        if len(times):
            self.least_ns = self.least_ns or int(times[0])
            self.greatest_ns = int(times[-1])
        self.records += len(records)
        self.updates += len(times)
        self.first = self.first or int(records["sequence"][0])
        self.last = int(records["sequence"][-1])

    def report(self, kept: bool) -> ReplayReport:
        recorded_s = (self.greatest_ns - self.least_ns) / 1e9
        wall_s = time.monotonic() - self.started_s
        return ReplayReport(self.records, self.updates, self.first, self.last, kept, recorded_s, wall_s)
