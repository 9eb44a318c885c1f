"""Level 5: does a named segment that survived hold the same stream as the log that it is opened with?"""

import errno
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import SegmentError
from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.layout import SYMBOL_DTYPE
from pricecore.primitives.segment import Segment

_NAME_DTYPE = np.dtype([("sequence", "<u8"), ("length", "<u8"), ("name", "S48")])  # NameEntry (segment.pxd)


def check_same_stream(segment: Segment, log: EventLog) -> None:
    """Refuse a segment of another stream: its records and prices would be logged as if they followed this log's.

    Up to the last sequence that both have they must name the same symbols, in the same records; and where both still
    hold the record of that sequence, it must be the same: it carries its time.

    Parameters
    ----------
    segment : Segment
        Ours to write, and not repaired yet.
    log : EventLog

    Raises
    ------
    SegmentError
        They differ; the message names both and the first difference.

    Threads: one. Cost: compares 64 bytes a symbol, and reads one block of the log.
    """
    last = min(segment.last_sequence, log.last_sequence)
    ours, theirs = _names_in(segment, last), _names_up_to(log.symbol_records(), last)
    count = min(len(ours), len(theirs))
    differ = (ours["sequence"][:count] != theirs["sequence"][:count]) | (ours["name"][:count] != theirs["name"][:count])
    if differ.any() or len(ours) != len(theirs):
        first = int(np.argmax(differ)) if differ.any() else count
        _refuse(segment, log, f"symbol {first} is {_told(ours, first)} there and {_told(theirs, first)} in the log")
    in_ring, in_log = _in_ring(segment, last), _in_log(log, last)
    if len(in_ring) and len(in_log) and in_ring.tobytes() != in_log.tobytes():
        _refuse(segment, log, f"record {last} is another one there than in the log")


def _names_in(segment: Segment, last: int) -> NDArray[np.void]:
    facts = segment.describe()
    names = np.frombuffer(segment.view(), _NAME_DTYPE, facts["max_symbols"], facts["names"])
    return names[(names["sequence"] > 0) & (names["sequence"] <= last)]


def _names_up_to(records: NDArray[np.void], last: int) -> NDArray[np.void]:
    found = records.view(SYMBOL_DTYPE)
    return found[found["sequence"] <= last]


def _told(names: NDArray[np.void], i: int) -> str:
    if i >= len(names):
        return "none"
    return f"{names['name'][i].decode('utf-8', 'replace')!r} (record {names['sequence'][i]})"


def _in_ring(segment: Segment, sequence: int) -> NDArray[np.void]:
    """Return the record of this sequence, shape (1,), or nothing when the ring does not hold it."""
    facts = segment.describe()
    ring = np.frombuffer(segment.view(), RECORD_DTYPE, facts["ring_capacity"], facts["ring"])
    found = ring[(sequence - 1) % len(ring)][None]
    return found[found["sequence"] == sequence]


def _in_log(log: EventLog, sequence: int) -> NDArray[np.void]:
    """Return the record of this sequence, shape (1,), or nothing when it is missing or removed."""
    if sequence < log.first_sequence:
        return np.empty(0, RECORD_DTYPE)
    return np.concatenate([np.empty(0, RECORD_DTYPE), *log.blocks(sequence, sequence + 1)])


def _refuse(segment: Segment, log: EventLog, difference: str) -> NoReturn:
    assert segment.file is not None
    raise SegmentError(
        errno.EINVAL,
        f"this segment holds another stream than the log {str(log.path)!r}: {difference}. Give each log the name that "
        f"it was written with, or another folder; with resume=False the segment is begun anew from the log",
        str(segment.file.path),
    )
