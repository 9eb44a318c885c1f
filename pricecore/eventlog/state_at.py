"""Level 4: what a log says up to a record: for `state_at`, for the start of a replay, and for the restart of an engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pricecore.eventlog.restoring import restore_segment
from pricecore.eventlog.snapshots import Snapshot, newest_good
from pricecore.eventlog.state import State
from pricecore.metrics.log import warn_throttled
from pricecore.primitives.segment import Segment

Records = NDArray[np.void]


class Recorded(Protocol):
    """What is asked of an open log: see `EventLog`."""

    path: Path

    @property
    def log_id(self) -> bytes: ...
    @property
    def first_sequence(self) -> int: ...
    @property
    def last_sequence(self) -> int: ...
    def blocks(self, start: int | None = None, stop: int | None = None) -> Iterator[Records]: ...
    def _names_before(self, sequence: int) -> Records: ...


class PricesAt(NamedTuple):
    """Prices and quotes as they were behind one record.

    Attributes
    ----------
    sequence : int
        Of the last record that counts; 0: there is none.
    symbols : list of str
        By id.
    prices : ndarray of SNAPSHOT_DTYPE
        As `PriceEngine.snapshot` returned it then: row i is symbol id i; what is missing is NaN, or 0 for a time.
    """

    sequence: int
    symbols: list[str]
    prices: Records


def named_blocks(log: Recorded, start: int, stop: int) -> Iterator[Records]:
    """Yield the blocks of a log with the names that were introduced where records are missing: what comes behind a gap
    refers to them. They stand at the head of the file behind it, with sequences of the gap.

    Threads: as `EventLog.blocks`. Cost: that, and a head for each gap.
    """
    due = start
    for records in log.blocks(start, stop):
        first = int(records["sequence"][0])
        if first > due:
            names = log._names_before(first)
            names = names[names["sequence"] >= due]
            if len(names):
                yield names
        yield records
        due = int(records["sequence"][-1]) + 1


def usable_snapshot(log: Recorded, end: int) -> Snapshot | None:
    """Return the newest snapshot without a record at or behind `end`, if the log has all that came after it."""
    snapshot = newest_good(log.path, log.log_id, at_most=end - 1)
    if snapshot is not None and snapshot.sequence >= log.first_sequence - 1:
        return snapshot
    if log.first_sequence > 1:
        warn_throttled(
            ("log_without_snapshot", str(log.path)),
            "%s: the log begins at sequence %d and no good snapshot leads there: prices that came before and did not "
            "change since are missing",
            log.path,
            log.first_sequence,
        )
    return None


def state_before(log: Recorded, end: int) -> State:
    """Return the state of a log behind all records before the sequence `end`.

    Parameters
    ----------
    log : EventLog
    end : int
        From the first sequence of the log to one behind its last.

    Raises
    ------
    LogCorruptError, OSError
        What is to be read is damaged.

    Threads: any. Cost: reads the newest snapshot before `end` and the records from there on, some 20 ns each.
    """
    state = State()
    begin = log.first_sequence
    snapshot = usable_snapshot(log, end)
    if snapshot is not None:
        state.load(snapshot.stream(), snapshot.sequence, log.path)
        begin = snapshot.sequence + 1
    elif begin > 1:
        state.load(log._names_before(begin), begin - 1, log.path)
    for records in named_blocks(log, begin, end):
        state.apply(records, log.path)
    return state


def restore_from(segment: Segment, log: Recorded) -> None:
    """Bring an empty segment to where a log ends: its newest good snapshot, and what came after it.

    Parameters
    ----------
    segment : Segment
        No other thread writes it.
    log : EventLog

    Raises
    ------
    SymbolTableFullError
        The segment has not enough places; the message says how many the log needs.
    LogCorruptError, OSError
        What is to be read is damaged. The segment is not to be used.

    Threads: one. Cost: as `state_before`; of the records before the snapshot it reads those that the ring has place for.
    """
    snapshot = usable_snapshot(log, log.last_sequence + 1)
    begin, state = log.first_sequence, None
    if snapshot is not None:
        state = snapshot.stream()
        begin = max(begin, snapshot.sequence + 1 - segment.describe()["ring_capacity"])
    elif begin > 1:
        state = log._names_before(begin)
    blocks = named_blocks(log, begin, log.last_sequence + 1)
    restore_segment(segment, state, blocks, log.last_sequence, log.path)
