"""Level 4: what a log says at its end, put into an empty segment: the newest good snapshot and what came behind it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import LogCorruptError
from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.restoring import restore_segment
from pricecore.eventlog.snapshots import Snapshot, newest_good
from pricecore.metrics.log import warn_throttled
from pricecore.primitives.segment import Segment


def recover(segment: Segment, path: Path) -> None:
    """Bring an empty segment to where the log in this folder ends.

    Raises
    ------
    LogCorruptError, SymbolTableFullError, OSError
        As `restore_segment` and `EventLog`.

    Threads: no other may write segment or log. Cost: reads the newest snapshot and the records behind it, or the whole
    log when there is no snapshot; some 40 ns a record.
    """
    with EventLog.open(path) as log:
        snapshot = newest_good(path, log.log_id, at_most=log.last_sequence)
        first = log.first_sequence
        if snapshot is not None and snapshot.sequence + 1 < first:
            raise LogCorruptError(
                str(path / file_name(first, "log")),
                0,
                f"records {snapshot.sequence + 1} to {first - 1}, behind the newest good snapshot, are not there",
            )
        if snapshot is None and first > 1:
            text = f"{path}: no good snapshot; prices that came before record {first:,} are not known"
            warn_throttled(("log_recovery", str(path)), text)
        start = first if snapshot is None else _start(snapshot, log, segment.describe()["ring_capacity"])
        state = log.head_symbols() if snapshot is None else snapshot.stream()
        sequence = first - 1 if snapshot is None else snapshot.sequence
        restore_segment(segment, state, sequence, with_lost_names(log, log.blocks(start), sequence + 1), path)


def _start(snapshot: Snapshot, log: EventLog, ring_capacity: int) -> int:
    """Return where to begin to read: behind the snapshot, or where the last lap of the ring begins."""
    return max(log.first_sequence, min(snapshot.sequence + 1, log.last_sequence - ring_capacity + 1))


def with_lost_names(log: EventLog, blocks: Iterable[NDArray[np.void]], expected: int) -> Iterator[NDArray[np.void]]:
    """Yield the blocks, and in the place of each gap the names that were lost in it.

    A gap stands first in its file, whose head has all names up to its end; updates behind it use them.

    Parameters
    ----------
    log : EventLog
        That the blocks come from.
    blocks : iterable of ndarray of RECORD_DTYPE
    expected : int
        The sequence that follows what is known before: in a block that begins higher, a gap comes first.
    """
    names = log.symbol_records()
    for records in blocks:
        first = int(records["sequence"][0])
        if first > expected:
            lost = names[(names["sequence"] >= expected) & (names["sequence"] < first)]
            if len(lost):
                yield lost.view(RECORD_DTYPE)
        yield records
        expected = int(records["sequence"][-1]) + 1
