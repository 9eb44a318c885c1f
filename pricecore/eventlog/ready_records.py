"""Level 4: `EventLog.writer`: a log of records that are ready is opened."""

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.layout import SYMBOL_DTYPE
from pricecore.eventlog.log_writer import LogWriter
from pricecore.eventlog.opening import OpenedLog, open_to_write
from pricecore.eventlog.options import LogOptions

_OPTIONS = ("durability", "rotate_bytes", "rotate_s")


def log_writer(path: str | PathLike[str], max_symbols: int, options: dict[str, Any]) -> LogWriter:
    """Return the writer behind the last record of this log; see `EventLog.writer`."""
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"{name} is no option of EventLog.writer; it takes {', '.join(_OPTIONS)}")
    chosen = LogOptions(path, **options)
    opened = open_to_write(path)
    try:
        return LogWriter(opened, chosen, _known_symbols(opened), max_symbols)
    except BaseException:
        opened.close()
        raise


def _known_symbols(opened: OpenedLog) -> NDArray[np.void]:
    """Return the SYMBOL records of a log that goes on."""
    if not opened.last_sequence:
        return np.empty(0, SYMBOL_DTYPE)
    with EventLog.open(opened.path) as log:
        return log.symbol_records()
