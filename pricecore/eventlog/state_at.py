"""Level 4: prices as they were at one record of a log."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pricecore.eventlog.snapshots import newest_good
from pricecore.eventlog.state import State
from pricecore.metrics.log import warn_throttled


class Recorded(Protocol):
    """What is asked of an open log."""

    @property
    def path(self) -> Path: ...
    @property
    def log_id(self) -> bytes: ...
    @property
    def first_sequence(self) -> int: ...
    @property
    def last_sequence(self) -> int: ...
    def blocks(self, start: int | None = None, stop: int | None = None) -> Iterator[NDArray[np.void]]: ...


class PricesAt(NamedTuple):
    """Prices and quotes as they were behind one record.

    Attributes
    ----------
    sequence : int
        Of the last record that counts; 0: none does.
    symbols : list of str
        By id.
    prices : ndarray of SNAPSHOT_DTYPE
        As `PriceEngine.snapshot` returned it then: row i is symbol id i; what was missing is NaN, or 0 for a time.
    """

    sequence: int
    symbols: list[str]
    prices: NDArray[np.void]


def state_before(log: Recorded, end: int, head: NDArray[np.void] | None = None) -> State:
    """Return the state of a log behind all records before the sequence `end`.

    Parameters
    ----------
    log : EventLog
    end : int
        From the first sequence of the log to one behind its last.
    head : ndarray of RECORD_DTYPE, optional
        The SYMBOL records at the head of the log's first file: needed when that does not begin at sequence 1.

    Threads: any. Cost: reads the newest snapshot before `end` and the records from there on.
    """
    state = State()
    begin = log.first_sequence
    snapshot = newest_good(log.path, log.log_id, at_most=end - 1)
    if snapshot is not None and snapshot.sequence >= begin - 1:
        state.load(snapshot.stream(), snapshot.sequence, log.path)
        begin = snapshot.sequence + 1
    elif begin > 1:
        if head is not None:
            state.load(head, begin - 1, log.path)
        warn_throttled(
            ("log_without_snapshot", str(log.path)),
            "%s: it begins at sequence %d and no good snapshot is left: a price that did not change since is missing",
            log.path, begin)
    for records in log.blocks(start=begin, stop=end):
        state.apply(records, log.path)
    return state
