"""Level 4: what a log says at its end, put into an empty segment: the newest good snapshot and what came behind it."""

from pathlib import Path

from pricecore.errors import LogCorruptError
from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.restoring import restore_segment
from pricecore.eventlog.snapshots import Snapshot, newest_good
from pricecore.eventlog.state_at import with_lost_names
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
        known = first - 1 if snapshot is None else snapshot.sequence
        blocks = with_lost_names(log, log.blocks(start), known + 1, log.last_sequence + 1)
        restore_segment(segment, state, blocks, log.last_sequence, path)


def _start(snapshot: Snapshot, log: EventLog, ring_capacity: int) -> int:
    """Return where to begin to read: behind the snapshot, or where the last lap of the ring begins."""
    return max(log.first_sequence, min(snapshot.sequence + 1, log.last_sequence - ring_capacity + 1))
