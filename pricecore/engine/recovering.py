"""Level 5: an engine comes back with what its log holds; together with a surviving named segment the newer state wins.

What the log needs is imported only by engines that have one: it would double the time of the package's import.
"""

from typing import TYPE_CHECKING, Any

from pricecore.delivery.holding import HolderTable
from pricecore.prices.symbols import SymbolTable
from pricecore.primitives.named_segment import write_segment
from pricecore.primitives.segment import Segment

if TYPE_CHECKING:
    from pricecore.eventlog.live_log import EngineLog
    from pricecore.eventlog.opening import OpenedLog
    from pricecore.eventlog.options import LogOptions


def open_log(options: "LogOptions") -> "OpenedLog":
    """Become the writer of the log in this folder; see `open_to_write`."""
    from pricecore.eventlog.opening import open_to_write

    return open_to_write(options.path)


def new_log(holders: HolderTable, symbols: SymbolTable, opened: "OpenedLog", options: "LogOptions") -> "EngineLog":
    """Return the log of an engine, which has not begun to write."""
    from pricecore.eventlog.live_log import EngineLog

    return EngineLog(holders, symbols, opened, options)


def segment_beside_log(
    name: str | None, sizes: dict[str, Any], permissions: int, resume: bool, opened: "OpenedLog | None"
) -> Segment:
    """Return the engine's segment: private, or the named one unless the log is ahead of it.

    Raises
    ------
    SegmentError
        As `write_segment`; or the segment that is there holds another stream than the log.

    Threads: any. Cost: as `write_segment` and `check_same_stream`.
    """
    if name is None:
        return Segment(sizes["max_symbols"], sizes["ring_capacity"], sizes["latency_window"], sizes["histogram_words"])
    segment = write_segment(name, sizes, permissions, resume=resume)
    assert segment.file is not None
    if opened is None or segment.file.fresh or not opened.last_sequence:
        return segment
    try:
        _check_same_stream(segment, opened)
    except BaseException:
        segment.file.close()  # at once: what failed may be kept alive by its traceback
        raise
    if segment.last_sequence >= opened.last_sequence and not segment.unfinished:
        return segment
    segment.file.close()
    return write_segment(name, sizes, permissions, resume=False)


def _check_same_stream(segment: Segment, opened: "OpenedLog") -> None:
    from pricecore.engine.same_stream import check_same_stream
    from pricecore.eventlog.event_log import EventLog

    if segment.last_sequence and not segment.unfinished:  # what was left half restored is restored anew
        with EventLog.open(opened.path) as log:
            check_same_stream(segment, log)


def restore_from_log(segment: Segment, opened: "OpenedLog") -> None:
    """Put into a fresh segment what the log holds: its newest good snapshot, and what came after it.

    Raises
    ------
    SymbolTableFullError
        `max_symbols` is too small; the message says what to pass.
    LogCorruptError, OSError
        The log cannot be read; nothing of the segment is to be used.
    """
    if not opened.last_sequence:
        return
    from pricecore.eventlog.event_log import EventLog
    from pricecore.eventlog.state_at import restore_from

    with EventLog.open(opened.path) as log:
        restore_from(segment, log)
