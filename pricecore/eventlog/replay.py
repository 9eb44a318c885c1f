"""Level 4: a log played into an engine."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.eventlog.bounds import Bound
from pricecore.eventlog.pacing import Pace, speed_of
from pricecore.eventlog.snapshots import in_order
from pricecore.eventlog.state_at import PricesAt, Recorded, state_before, warn_without_snapshot, with_lost_names

Records = NDArray[np.void]

_QUOTE_KIND = 1
_LAST_NS = 2**63 - 2 * 10**9


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


class Playable:
    """What an open log can be played into, and asked about its past."""

    __slots__ = ()

    def replay(
        self: Recorded,
        into: Any,
        speed: str | float = "max",
        start: Bound = None,
        stop: Bound = None,
        on_block: Callable[[Records], object] | None = None,
    ) -> ReplayReport:
        """Play the log into an engine.

        An empty engine becomes the one that wrote the log: with its sequences, ids and receive times. Two replays of
        the same records give the same `snapshot`, bit for bit. An engine that has symbols already, or gets updates from
        elsewhere meanwhile, takes the records like new ones: each gets the next sequence, the time of now as its
        `received_ns`, and the id that its symbol has there. Neither checks the order of times once more, nor any rule
        for values: what was taken once is taken.

        Parameters
        ----------
        into : PriceEngine
            Of this process. Other threads may read, subscribe, hold the ring (then `full` applies) and update.
        speed : {"max", "realtime"} or float
            As fast as it goes; or by the receive times, at that many times the recorded speed. A step between two
            records that would take more than an hour of waiting is passed over.
        start, stop : int, datetime, numpy.datetime64 or pandas.Timestamp, optional
            As in `blocks`. A replay from a later `start` begins with the prices as they were there.
        on_block : callable, optional
            Gets each array of records that is in; what it raises ends the replay.

        Returns
        -------
        ReplayReport

        Raises
        ------
        LogCorruptError, OSError
            What is to be read is damaged; what came before is in the engine.
        SymbolTableFullError, RingFullError, EngineClosedError, WrongProcessError
            As an update. TypeError, ValueError: a parameter is none.

        Threads: any; one replay into an engine at a time keeps its sequences. Ctrl-C ends it between two pieces. Cost:
        some 30 ns a record; releases the GIL; memory is flat.
        """
        taker = _taker_of(into)
        pace, tally = Pace(speed_of(speed)), _Tally()
        first, end = self._range(start, stop)
        if first > 1:
            _begin_with_state(self, taker, min(first, end))
        for records in with_lost_names(self, self.blocks(first, end), first, end):
            for piece in pace.pieces(records):
                taker.apply(piece, self.path)
                tally.count(piece)
                if on_block is not None:
                    on_block(piece)
        return tally.report(taker.keeps_sequence)

    def state_at(self: Recorded, sequence: int | None = None, timestamp_ns: int | None = None) -> PricesAt:
        """Return the latest price and quote of every symbol as they were at one moment of the log.

        Parameters
        ----------
        sequence : int, optional
            The last record that counts: from `first_sequence` - 1, which is before everything, to `last_sequence`.
        timestamp_ns : int, optional
            A receive time in ns since 1970: the records before the first one that was received after it count. One of
            the two must be given.

        Returns
        -------
        PricesAt

        Raises
        ------
        ValueError, TypeError
            Both are given, or none; the sequence is not in the log.
        LogCorruptError, OSError
            What is to be read is damaged.

        Threads: any. Cost: reads the newest snapshot at or before that moment and the records from there on, some
        20 ns each; without the GIL.
        """
        if (sequence is None) == (timestamp_ns is None):
            raise TypeError("state_at needs a sequence or a timestamp_ns: one of the two")
        end = _end_by_time(self, timestamp_ns) if sequence is None else _end_by_sequence(self, sequence)
        state, complete = state_before(self, end)
        return PricesAt(end - 1, state.symbols(), state.prices(), complete)


def _begin_with_state(log: Recorded, taker: Any, first: int) -> None:
    """Bring names and prices as they were before the record of this sequence."""
    state, complete = state_before(log, first)
    if not complete:
        warn_without_snapshot(log)
    taker.apply(in_order(state.records()), log.path, at_once=True)


def _end_by_sequence(log: Recorded, sequence: int) -> int:
    number = _whole("sequence", sequence)
    if not log.first_sequence - 1 <= number <= log.last_sequence:
        raise ValueError(
            f"sequence is {number}; this log has {log.first_sequence} to {log.last_sequence}: refresh() looks for what "
            f"was written since"
        )
    return number + 1


def _end_by_time(log: Recorded, timestamp_ns: int | None) -> int:
    number = _whole("timestamp_ns", timestamp_ns)
    if not 0 <= number < 2**63:
        raise ValueError(f"timestamp_ns is {number}; times are 0 to 2**63 - 1 ns since 1970")
    first, end = log._range(np.datetime64(min(number + 1, _LAST_NS), "ns"), None)
    return min(first, end)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {value!r}")
    return int(value)


def _taker_of(into: Any) -> Any:
    """Return what takes records; an engine's room is above this one and known by its method only."""
    if not hasattr(into, "_begin_replay"):
        raise TypeError(f"a log is replayed into a PriceEngine, not into {type(into).__name__} {into!r}")
    return into._begin_replay()


class _Tally:
    """Counts what went in."""

    def __init__(self) -> None:
        self.started_s = time.monotonic()
        self.records = self.updates = self.first = self.last = 0
        self.least_ns = self.greatest_ns = 0

    def count(self, records: Records) -> None:
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
