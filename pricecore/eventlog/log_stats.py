"""Level 4: what is in a log: how much, of what, from when to when."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.scanning import Gap

_PRICE, _QUOTE, _SYMBOL, _VOID = 0, 1, 2, 255
_RECORD_BYTES = 64
_BUSIEST = 10


class LogStats(NamedTuple):
    """What a log holds.

    Attributes
    ----------
    path : str
    files, snapshots : int
    size_bytes : int
        Of the log files; `bytes_per_record` is that divided by the records, `ratio` how many times smaller it is than
        64 bytes a record.
    records, prices, quotes, symbols, voids : int
        All, and by kind; `symbols` counts SYMBOL records, `known_symbols` also those introduced before the first file.
    first_sequence, last_sequence : int
    first_received_ns, last_received_ns : int
        Of prices and quotes; 0: there are none.
    records_per_s : float
        Prices and quotes over that time; 0.0: it is none.
    gaps : tuple of Gap
    missing : int
        Records that the gaps lack.
    generation : int
        Writers that the log has had.
    source_position : bytes
    busiest : tuple of (str, int)
        The ten symbols with the most prices and quotes.
    """

    path: str
    files: int
    snapshots: int
    size_bytes: int
    bytes_per_record: float
    ratio: float
    records: int
    prices: int
    quotes: int
    symbols: int
    voids: int
    known_symbols: int
    first_sequence: int
    last_sequence: int
    first_received_ns: int
    last_received_ns: int
    records_per_s: float
    gaps: tuple[Gap, ...]
    missing: int
    generation: int
    source_position: bytes
    busiest: tuple[tuple[str, int], ...]


def log_stats(path: str | PathLike[str], on_progress: Callable[[int, int], object] | None = None) -> LogStats:
    """Read a whole log, and count.

    Parameters
    ----------
    path : path-like
        The log's folder.
    on_progress : callable, optional
        Called with the records done and all records, after each block.

    Raises
    ------
    LogNotFoundError, LogCorruptError, OSError
        As `EventLog`.

    Threads: any; the log may be written meanwhile. Cost: reads it as a whole, some ten million records/s.
    """
    with EventLog.open(path) as log:
        names = log.symbols()
        counts = _Counts(len(names))
        total = len(log)
        for records in log:
            counts.add(records)
            if on_progress is not None:
                on_progress(counts.records, total)
        return _stats(log, names, counts)


class _Counts:
    def __init__(self, symbols: int) -> None:
        self.records = 0
        self.kinds = np.zeros(256, np.int64)
        self.by_symbol = np.zeros(symbols, np.int64)
        self.least_ns, self.greatest_ns = np.iinfo(np.int64).max, 0

    def add(self, records: NDArray[np.void]) -> None:
        self.records += len(records)
        kinds = records["kind"]
        self.kinds += np.bincount(kinds, minlength=256)
        updates = kinds <= _QUOTE
        if updates.any():
            received_ns, ids = records["received_ns"][updates], records["symbol_id"][updates]
            self.least_ns = min(self.least_ns, int(received_ns.min()))
            self.greatest_ns = max(self.greatest_ns, int(received_ns.max()))
            self.by_symbol += np.bincount(ids, minlength=len(self.by_symbol))[: len(self.by_symbol)]

    def busiest(self, names: list[str]) -> tuple[tuple[str, int], ...]:
        order = np.argsort(-self.by_symbol, kind="stable")[:_BUSIEST]
        return tuple((names[i], int(self.by_symbol[i])) for i in order if self.by_symbol[i])


def _stats(log: EventLog, names: list[str], counts: _Counts) -> LogStats:
    folder = Path(log.path)
    files = sequences_of(folder, "log")
    size_bytes = sum((folder / file_name(sequence, "log")).stat().st_size for sequence in files)
    updates = int(counts.kinds[_PRICE] + counts.kinds[_QUOTE])
    first_ns = counts.least_ns if updates else 0
    span_s = (counts.greatest_ns - first_ns) / 1e9
    return LogStats(
        path=str(folder),
        files=len(files),
        snapshots=len(sequences_of(folder, "snapshot")),
        size_bytes=size_bytes,
        bytes_per_record=size_bytes / max(counts.records, 1),
        ratio=counts.records * _RECORD_BYTES / max(size_bytes, 1),
        records=counts.records,
        prices=int(counts.kinds[_PRICE]),
        quotes=int(counts.kinds[_QUOTE]),
        symbols=int(counts.kinds[_SYMBOL]),
        voids=int(counts.kinds[_VOID]),
        known_symbols=len(names),
        first_sequence=log.first_sequence,
        last_sequence=log.last_sequence,
        first_received_ns=first_ns,
        last_received_ns=counts.greatest_ns,
        records_per_s=updates / span_s if span_s > 0 else 0.0,
        gaps=log.gaps,
        missing=sum(gap.last_sequence - gap.first_sequence + 1 for gap in log.gaps),
        generation=log.generation,
        source_position=log.source_position,
        busiest=counts.busiest(names),
    )
