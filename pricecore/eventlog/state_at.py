"""Level 4: what a log says up to a record: for `state_at`, the start of a replay, and the restart of an engine."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import LogCorruptError
from pricecore.eventlog.bounds import Bound
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.restoring import restore_segment
from pricecore.eventlog.snapshots import newest_good
from pricecore.eventlog.state import State
from pricecore.metrics.log import warn_throttled
from pricecore.primitives.segment import Segment

Records = NDArray[np.void]


class Recorded(Protocol):
    """What is asked of an open log: see `EventLog`."""

    @property
    def path(self) -> Path: ...
    @property
    def log_id(self) -> bytes: ...
    @property
    def first_sequence(self) -> int: ...
    @property
    def last_sequence(self) -> int: ...
    def blocks(self, start: Bound = None, stop: Bound = None) -> Iterator[Records]: ...
    def _range(self, start: Bound, stop: Bound) -> tuple[int, int]: ...
    def _names_before(self, sequence: int) -> Records: ...
    def symbol_records(self) -> Records: ...


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
    complete : bool
        False: retention removed what came before `first_sequence`, and no snapshot leads there. A price that did not
        change since then is missing.
    """

    sequence: int
    symbols: list[str]
    prices: Records
    complete: bool


def with_lost_names(log: Recorded, blocks: Iterable[Records], begin: int, end: int) -> Iterator[Records]:
    """Yield the blocks, and in the place of each gap the names that were lost in it.

    A gap stands first in its file, whose head has all names up to its end; updates behind it use them.

    Parameters
    ----------
    log : EventLog
    blocks : iterable of ndarray of RECORD_DTYPE
        Of that log, up to `end`, the first sequence not wanted.
    begin : int
        The sequence that follows what is known before: in a block that begins higher, a gap comes first.
    end : int
    """
    for records in blocks:
        yield from _lost_names(log, begin, int(records["sequence"][0]))
        yield records
        begin = int(records["sequence"][-1]) + 1
    yield from _lost_names(log, begin, end)


def _lost_names(log: Recorded, begin: int, end: int) -> Iterator[Records]:
    if begin < end:
        names = log.symbol_records()
        lost = names[(names["sequence"] >= begin) & (names["sequence"] < end)]
        if len(lost):
            yield lost.view(RECORD_DTYPE)


def state_before(log: Recorded, end: int) -> tuple[State, bool]:
    """Return the state of a log behind all records before the sequence `end`, and whether it is complete.

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
    snapshot = newest_good(log.path, log.log_id, at_most=end - 1)
    complete = begin == 1
    if snapshot is not None and snapshot.sequence >= begin - 1:
        state.load(snapshot.stream(), snapshot.sequence, log.path)
        begin, complete = snapshot.sequence + 1, True
    elif begin > 1:
        state.load(log._names_before(begin), begin - 1, log.path)
    for records in with_lost_names(log, log.blocks(begin, end), begin, end):
        state.apply(records, log.path)
    return state, complete


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
        What is to be read is damaged or missing. The segment is not to be used.

    Threads: one. Cost: as `state_before`; of the records before the snapshot it reads what the ring has place for.
    """
    snapshot = newest_good(log.path, log.log_id, at_most=log.last_sequence)
    first, end = log.first_sequence, log.last_sequence + 1
    if snapshot is None:
        if first > 1:
            warn_without_snapshot(log)
        known, begin, state = first - 1, first, log._names_before(first)
    else:
        known, state = snapshot.sequence, snapshot.stream()
        if known < first - 1:
            reason = f"records {known + 1} to {first - 1}, behind the newest good snapshot, are not there"
            raise LogCorruptError(str(log.path / file_name(first, "log")), 0, reason)
        begin = max(first, min(known + 1, end - segment.describe()["ring_capacity"]))
    blocks = with_lost_names(log, log.blocks(begin, end), known + 1, end)
    restore_segment(segment, state, blocks, end - 1, log.path)


def warn_without_snapshot(log: Recorded) -> None:
    """Say that prices from before the log's first record are not known."""
    warn_throttled(
        ("log_without_snapshot", str(log.path)),
        "%s: the log begins at sequence %d and no snapshot leads there: prices from before are missing",
        log.path,
        log.first_sequence,
    )
