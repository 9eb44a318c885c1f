"""Level 4: `EventLog`: reads the event log of an engine, also while it is written."""

import threading
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pricecore.delivery.limits import check_seconds
from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import LogCorruptError
from pricecore.eventlog.bounds import Bound, Moment, parse_bound
from pricecore.eventlog.heads import TornHead, names_of
from pricecore.eventlog.layout import SYMBOL_DTYPE, file_name
from pricecore.eventlog.log_files import LogFiles, OpenFile
from pricecore.eventlog.log_index import index_of_entries
from pricecore.eventlog.moments import first_reached, last_before
from pricecore.eventlog.reading import Reading
from pricecore.eventlog.replay import Playable
from pricecore.eventlog.scanning import FileScan, Gap, Scan, TornTail, scan_file
from pricecore.eventlog.selecting import Selection, selection
from pricecore.eventlog.tailing import follow_log

if TYPE_CHECKING:
    from pricecore.eventlog.export import Exported
    from pricecore.eventlog.log_writer import LogWriter

Records = NDArray[np.void]


class EventLog(Playable):
    """A log, open for reading. `EventLog.open` makes one.

    Iterating yields blocks: arrays of `RECORD_DTYPE` that hold every record, of all kinds, each sequence exactly once
    and ascending. Where sequences are missing, the next array simply begins higher; `gaps` names all such places, with
    the reason. A log begins with sequence 1, or, when retention removed its oldest files, with that of the oldest one
    there is.

    Arrays are read-only and stay valid as long as they are held, whatever becomes of the log. Nothing is written, and
    nothing locked: the log may be written, rotated, compressed and trimmed meanwhile. What was there at `open` or the
    last `refresh` is what the attributes tell of and iterating yields; `tail` goes on beyond it. When retention removes
    files before they were read, reading goes on with the oldest file left, and `gaps` names what was missed.

    A torn tail, which a crash left behind the last good block of the last file, is left out; `torn` tells of it.
    Damage raises LogCorruptError: at `open` in the last file, else when reading comes to it.

    Threads: any; an iterator belongs to one at a time.
    Cost: `open` reads the last file, some GB/s; the others when they are read. Memory is flat.

    Examples
    --------
    >>> import pricecore, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with pricecore.PriceEngine(log=folder) as engine:
    ...     for price in (1.0, 2.0, 3.0):
    ...         _ = engine.update("BINANCE:BTCUSDT", price)
    >>> with pricecore.EventLog.open(folder) as log:
    ...     [price for records in log.updates("BINANCE:*", start=3) for price in records["price"].tolist()]
    [2.0, 3.0]
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._files = LogFiles(self.path)
        self._lock = threading.Lock()
        self._removed: list[Gap] = []
        self._scan: Scan | None = None
        self._live: OpenFile | None = None
        self._born: TornTail | None = None  # a last file without a good head
        self._first_sequence = 1
        self._known: FileScan | None = None
        self.refresh()

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open the log in this folder.

        Parameters
        ----------
        path : path-like
            The folder; its parent and its files need only be readable.

        Returns
        -------
        EventLog

        Raises
        ------
        LogNotFoundError
            There is no such folder, or no log in it.
        LogCorruptError
            The last file is damaged, or none of ours: `pricecore log verify` tells all that is wrong.
        OSError
            It cannot be read.

        Threads: any. Cost: reads the last file, some GB/s.
        """
        return cls(path)

    @staticmethod
    def writer(path: str | PathLike[str], *, max_symbols: int = 65_536, **options: Any) -> "LogWriter":
        """Make a log, or go on with one, from records that are ready: without an engine.

        Parameters
        ----------
        path : path-like
            The folder; made when it is not there (its parent must be).
        max_symbols : int
            How many symbols it may have, 1 to 2^24.
        **options
            ``durability``, ``rotate_bytes`` and ``rotate_s`` of `LogOptions`.

        Returns
        -------
        LogWriter

        Raises
        ------
        LogReadOnlyError
            Somebody else writes it, or nothing can be written here. LogCorruptError: it is damaged.
        TypeError, ValueError
            An option is unknown or out of range.

        Threads: any. Cost: reads the last file of a log that is there.
        """
        from pricecore.eventlog.ready_records import log_writer  # which reads what is there by this class

        return log_writer(path, max_symbols, options)

    def refresh(self) -> None:
        """Look what was written since.

        Raises
        ------
        LogCorruptError, OSError
            As `open`.

        Threads: any. Cost: reads what is new.
        """
        with self._lock:
            sequences = self._files.sequences()
            self._born = None
            sealed = False
            for first_sequence in reversed(sequences):
                if self._look(first_sequence, sealed):
                    break
                sealed = True
            self._first_sequence = sequences[0]
            self._known = self._scan.result() if self._scan else None
            if self._live and self._scan and self._known:
                inode = self._live.identity()[0]
                index = index_of_entries(self._known.entries)
                self._files.live_index = (self._live.head.first_sequence, inode, index)

    def _look(self, first_sequence: int, sealed: bool) -> bool:
        """Scan this file, or go on with that; False: it has no good head."""
        opened = self._files.open(first_sequence)
        if isinstance(opened, TornHead):
            scan = scan_file(self.path / file_name(first_sequence, "log"), sealed=sealed)
            self._born = scan.tail
            return scan.head is not None and self._look(first_sequence, sealed)  # it was just being begun
        if self._live is None or self._scan is None or self._live.identity()[0] != opened.identity()[0]:
            self._close_live()
            self._live, self._scan = opened, Scan(opened.file, opened.path, opened.head)
        else:
            opened.file.close()
        self._scan.advance(sealed=sealed)
        return True

    @property
    def first_sequence(self) -> int:
        """The first sequence of the log's oldest file. Threads: any. Cost: none."""
        return self._first_sequence

    @property
    def last_sequence(self) -> int:
        """The highest sequence that is there, or named in a gap; 0: none. Threads: any. Cost: none."""
        return self._known.last_sequence if self._known else self._first_sequence - 1

    @property
    def source_position(self) -> bytes:
        """The source position in force at the end: all records up to `source_position_sequence` come from before it.

        Empty when nobody has marked one. Threads: any. Cost: none.
        """
        return self._known.position if self._known else b""

    @property
    def source_position_sequence(self) -> int:
        """The last record that comes from before `source_position`. Threads: any. Cost: none."""
        return self._known.position_sequence if self._known else self._first_sequence - 1

    @property
    def torn(self) -> TornTail | None:
        """What a crash left behind the last good block: `path`, `offset`, `size_bytes` and `records`, as far as known.

        None while the log is written: then its end is simply on the way. Threads: any. Cost: some system calls when
        there is something.
        """
        tail = self._born or (self._known.tail if self._known else None)
        return None if tail is None or self._files.is_written() else tail

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All missing sequences that are known of, ascending: `first_sequence`, `last_sequence`, `reason`.

        "skipped": the ring was full, with the log's option ``full="skip"``; "never_logged": the engine was ahead of its
        log; "removed": by retention, before this object read it.

        Threads: any. Cost: reads some bytes of each file the first time.
        """
        with self._lock:
            removed = list(self._removed)
        return tuple(sorted({*self._files.gaps(self.last_sequence), *removed}))

    @property
    def generation(self) -> int:
        """How many writers this log has had. Threads: any. Cost: none."""
        known = self._known
        return known.head.generation if known and known.head else 0

    @property
    def log_id(self) -> bytes:
        """16 random bytes, the same in all files of a log. Threads: any. Cost: none."""
        return self._files.log_id or bytes(16)

    def symbols(self) -> list[str]:
        """Return the names of all symbols: item i is symbol_id i. Threads: any. Cost: a microsecond a name."""
        known = self._known
        if known is None or known.head is None:
            return []
        names = names_of(known.head.symbols, known.path, 128)
        return names + names_of(known.new_symbols, known.path, known.head.size_bytes)

    def symbol_records(self) -> Records:
        """Return the SYMBOL records of all symbols, `SYMBOL_DTYPE`, by id. Threads: any. Cost: a copy."""
        known = self._known
        if known is None or known.head is None:
            return np.empty(0, SYMBOL_DTYPE)
        return np.concatenate([known.head.symbols, known.new_symbols])

    def __len__(self) -> int:
        """Return how many records there are."""
        missing = (
            min(gap.last_sequence, self.last_sequence) - max(gap.first_sequence, self.first_sequence) + 1
            for gap in self._files.gaps(self.last_sequence)
        )
        return self.last_sequence - self.first_sequence + 1 - sum(count for count in missing if count > 0)

    def __iter__(self) -> Iterator[Records]:
        return self.blocks()

    def blocks(self, start: Bound = None, stop: Bound = None) -> Iterator[Records]:
        """Return an iterator over the records from `start` on and before `stop`, all kinds.

        Parameters
        ----------
        start : int, datetime, numpy.datetime64 or pandas.Timestamp, optional
            The first sequence wanted; or a time, then the first record received at that time or later. By default the
            log's first record.
        stop : likewise, optional
            The first sequence not wanted; or a time, then reading ends behind the last record received before it. By
            default it ends with `last_sequence`.

        Returns
        -------
        iterator of numpy.ndarray
            `RECORD_DTYPE`, read-only, never empty, up to 65,536 records each.

        Raises
        ------
        TypeError, ValueError
            A bound is none; a datetime without a time zone is refused, a `numpy.datetime64` is UTC.
        LogCorruptError, OSError
            What is to be read is damaged; from the iteration when it comes to it.

        Threads: any; the iterator one at a time. Cost: finding the start takes a millisecond, plus, the first time, the
        index of each file, or a short read a block where there is none. A file and a window of a megabyte to the end.
        """
        return self._read(*self._range(start, stop))

    def updates(
        self,
        symbols: str | Iterable[str] | None = None,
        kinds: str | int | Iterable[str | int] | None = None,
        start: Bound = None,
        stop: Bound = None,
    ) -> Iterator[Records]:
        """Return an iterator over prices and quotes: no SYMBOL, no VOID records.

        Parameters
        ----------
        symbols : str, iterable of str, or None
            Names, or patterns such as ``BINANCE:*``. None: all.
        kinds : {"price", "quote"}, 0, 1, an iterable of those, or None
            None: both. Quotes come as `RECORD_DTYPE` as well: ``records.view(pricecore.QUOTE_DTYPE)``.
        start, stop
            As `blocks`; with a time, exactly the records received at `start` or later, and before `stop`.

        Returns
        -------
        iterator of numpy.ndarray
            `RECORD_DTYPE`, read-only, never empty.

        Raises
        ------
        TypeError, ValueError, LogCorruptError, OSError
            As `blocks`; or nothing at all is asked for.

        Threads: any; the iterator one at a time. Cost: as `blocks`; whoever wants all updates of one symbol reads
        everything between `start` and `stop`.
        """
        names = [] if symbols is None else self.symbols()
        wanted = selection(names, symbols, kinds, start, stop)
        return self._selected(wanted, *self._range(start, stop))

    def to_arrow(
        self,
        symbols: str | Iterable[str] | None = None,
        kinds: str | int | Iterable[str | int] | None = None,
        start: Bound = None,
        stop: Bound = None,
    ) -> Any:
        """Return prices and quotes as a pyarrow.Table, for pandas, polars and DuckDB.

        Columns: sequence; symbol and kind ("price", "quote"); timestamp (that of the source, null when it gave none)
        and received, in ns UTC; price, volume, change_24h, bid, ask, bid_size, ask_size: null where not given.

        Parameters
        ----------
        symbols, kinds, start, stop
            As `updates`.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        MissingExtraError
            pyarrow is not installed: ``pip install "pricecore[export]"``.
        TypeError, ValueError, LogCorruptError, OSError
            As `updates`.

        Threads: any. Cost: as `updates`; the table takes 100 bytes a row. `export` needs no memory for all.
        """
        from pricecore.eventlog.export_arrow import to_arrow

        return to_arrow(self.updates(symbols, kinds, start, stop), self.symbols())

    def export(
        self,
        out: str | PathLike[str] | IO[bytes],
        to: str,
        symbols: str | Iterable[str] | None = None,
        kinds: str | int | Iterable[str | int] | None = None,
        start: Bound = None,
        stop: Bound = None,
    ) -> "Exported":
        """Write prices and quotes to a file, with the columns of `to_arrow`.

        Parameters
        ----------
        out : path or binary file
            A path appears, or is replaced, when all is written; a file is written to and stays open.
        to : {"csv", "ndjson", "parquet", "arrow"}
            The last two need pyarrow.
        symbols, kinds, start, stop
            As `updates`.

        Returns
        -------
        Exported
            rows, first_sequence, last_sequence, size_bytes.

        Raises
        ------
        MissingExtraError, TypeError, ValueError, LogCorruptError, OSError
            As `to_arrow`; or it cannot be written, then a path is as it was.

        Threads: any. Cost: memory for 65,536 rows, whatever the length.
        """
        from pricecore.eventlog.export import export

        return export(self.updates(symbols, kinds, start, stop), self.symbols(), out, to)

    def _selected(self, wanted: Selection, start: int, stop: int) -> Iterator[Records]:
        for records in self._read(start, stop):
            found = wanted.of(records)
            if len(found):
                yield found

    def _range(self, start: Bound, stop: Bound) -> tuple[int, int]:
        """Return the first sequence wanted, and the first one not wanted."""
        first, end = parse_bound("start", start), parse_bound("stop", stop)
        known_end = self.last_sequence + 1
        if isinstance(first, Moment):
            first = first_reached(self._files, first.ns, known_end, self._missed)
        if isinstance(end, Moment):
            end = last_before(self._files, end.ns, known_end, self._missed) + 1
        first = self.first_sequence if first is None else max(first, self.first_sequence)
        return first, known_end if end is None else min(end, known_end)

    def _read(self, start: int, stop: int) -> Iterator[Records]:
        reading = Reading(self._files, start, self._missed)
        try:
            while reading.sequence < stop:
                block = reading.next()
                if block is None:
                    raise LogCorruptError(*reading.where())
                if block.records is not None and block.first_sequence < stop:
                    low = max(start - block.first_sequence, 0)
                    high = min(stop - block.first_sequence, block.count)
                    yield block.records[low:high] if high - low < block.count else block.records
        finally:
            reading.close()

    def tail(self, follow: bool = True, start: Bound = None, timeout_s: float | None = None) -> Iterator[Records]:
        """Return an iterator over all records as they come, of a log that another thread or process writes.

        It goes on from file to file, and when a writer ends and another one begins.

        Parameters
        ----------
        follow : bool
            False: end where the log ends now, as `blocks`.
        start : as in `blocks`
            By default what comes after this call.
        timeout_s : float, optional
            End when nothing came for so long, at least 0. None: never.

        Returns
        -------
        iterator of numpy.ndarray
            As `blocks`.

        Raises
        ------
        TypeError, ValueError, LogCorruptError, LogNotFoundError, OSError
            As `blocks`; from the iteration also when the log's folder is removed. KeyboardInterrupt (Ctrl-C) ends it
            with its file closed.

        Threads: any; the iterator one at a time. Cost: it looks each millisecond, and, while nothing comes, up to 50
        milliseconds later; a look takes some ten microseconds.
        """
        limit_s = None if timeout_s is None else check_seconds("timeout_s", timeout_s)
        self.refresh()
        first, end = self._range(start, None)
        if start is None:
            first = end
        elif isinstance(start, int | np.integer):
            first = max(int(start), self.first_sequence)
        return follow_log(self._files, first, self._missed, limit_s, self.refresh) if follow else self._read(first, end)

    def _names_before(self, sequence: int) -> Records:
        """Return the SYMBOL records that were introduced before the file that holds this sequence, or are missing from
        a gap that it begins with; `RECORD_DTYPE`."""
        opened = self._files.open(self._files.holding(sequence))
        if isinstance(opened, TornHead):
            return np.zeros(0, RECORD_DTYPE)
        opened.file.close()
        return opened.head.symbols.view(RECORD_DTYPE)

    def _missed(self, gap: Gap) -> None:
        with self._lock:
            self._removed.append(gap)

    def close(self) -> None:
        """Close the last file. Arrays stay valid, and iterators may end. Threads: any. Cost: a system call."""
        with self._lock:
            self._close_live()

    def _close_live(self) -> None:
        if self._live is not None:
            self._live.file.close()
            self._scan = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventLog {str(self.path)!r}: sequences {self.first_sequence:,} to {self.last_sequence:,}>"
