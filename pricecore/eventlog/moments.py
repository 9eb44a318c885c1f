"""Level 4: from a received time to a sequence, without reading the log.

Received times ascend in each thread, not in the stream: records of two threads, or of a batch, may stand out of order.
So an index keeps the greatest time so far and the least from here on, which ascend by themselves.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pricecore.eventlog.log_files import LogFiles
from pricecore.eventlog.log_index import FileIndex
from pricecore.eventlog.reading import Reading
from pricecore.eventlog.scanning import Gap


def first_reached(files: LogFiles, received_ns: int, end: int, on_removed: Callable[[Gap], object]) -> int:
    """Return the sequence of the first record received then or later; `end` when there is none before it.

    Raises
    ------
    LogCorruptError, OSError
        What has to be read is damaged.

    Threads: any. Cost: the index of each file, the first time; some stretches of blocks.
    """
    for first_sequence, index in _indexes(files):
        stretch = index.reaches(received_ns)
        if stretch is None:
            continue
        for records in _records(files, max(index.place(stretch)[1], first_sequence), end, on_removed):
            found = _timed(records) & (records["received_ns"] >= received_ns)
            if found.any():
                return int(records["sequence"][np.argmax(found)])
    return end


def last_before(files: LogFiles, received_ns: int, end: int, on_removed: Callable[[Gap], object]) -> int:
    """Return the sequence of the last record received before that time and standing before `end`; 0: none.

    Raises
    ------
    LogCorruptError, OSError
        What has to be read is damaged.

    Threads: any. Cost: as `first_reached`.
    """
    for first_sequence, index in reversed(list(_indexes(files))):
        stretch = index.last_before(received_ns)
        if stretch is not None:
            start = index.place(stretch)[1]
            stop = index.place(stretch + 1)[1] if stretch + 1 < len(index.offsets) else end
            last = _last_before_in(_records(files, start, min(stop, end), on_removed), received_ns)
            if last:
                return last
        end = min(end, first_sequence)
    return 0


def _last_before_in(blocks: Iterator[NDArray[np.void]], received_ns: int) -> int:
    last = 0
    for records in blocks:
        found = np.flatnonzero(_timed(records) & (records["received_ns"] < received_ns))
        if len(found):
            last = int(records["sequence"][found[-1]])
    return last


def _indexes(files: LogFiles) -> Iterator[tuple[int, FileIndex]]:
    """Yield first sequence and index of each file that is there and holds blocks."""
    for first_sequence in files.sequences():
        index = files.index_at(first_sequence)
        if index is not None and len(index.offsets):
            yield first_sequence, index


def _records(files: LogFiles, start: int, stop: int, on_removed: Callable[[Gap], object]) -> Iterator[NDArray[np.void]]:
    reading = Reading(files, start, on_removed)
    try:
        while reading.sequence < stop and (block := reading.next()) is not None:
            if block.records is not None:
                yield block.records[: max(stop - block.first_sequence, 0)]
    finally:
        reading.close()


def _timed(records: NDArray[np.void]) -> NDArray[np.bool_]:
    return records["kind"] <= 1
