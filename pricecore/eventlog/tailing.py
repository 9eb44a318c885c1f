"""Level 4: a log is followed while others write it."""

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pricecore.errors import LogNotFoundError
from pricecore.eventlog.log_files import LogFiles
from pricecore.eventlog.reading import Reading
from pricecore.eventlog.scanning import Gap

LEAST_PAUSE_S, MOST_PAUSE_S = 0.001, 0.05
JUDGE_S = 1.0
_GROWTH = 1.25


def follow_log(
    files: LogFiles,
    start: int,
    on_removed: Callable[[Gap], object],
    timeout_s: float | None,
    judge: Callable[[], object],
) -> Iterator[NDArray[np.void]]:
    """Yield records as they come, see `EventLog.tail`; `judge` raises when the log is damaged."""
    reading = Reading(files, start, on_removed)
    pause_s, newest_s = LEAST_PAUSE_S, time.monotonic()
    judged_s = listed_s = newest_s
    try:
        while True:
            try:
                block, listed_s = reading.next(), time.monotonic()
            except LogNotFoundError:  # for a moment: a writer begins an only file without a record anew
                block = None
                if time.monotonic() - listed_s >= JUDGE_S:
                    raise
            if block is None:
                if timeout_s is not None and time.monotonic() - newest_s >= timeout_s:
                    return
                if reading.is_stuck and time.monotonic() - judged_s >= JUDGE_S:  # a write takes no second
                    judge()
                    judged_s = time.monotonic()
                time.sleep(pause_s)
                pause_s = min(pause_s * _GROWTH, MOST_PAUSE_S)
            else:
                if block.records is not None:
                    yield block.records[max(start - block.first_sequence, 0) :]
                pause_s, newest_s = LEAST_PAUSE_S, time.monotonic()
                judged_s = newest_s
    finally:
        reading.close()
