"""One file on its way into the engine: opened, recognised, decoded and counted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pricecore.errors import FormatError
from pricecore.feeds import ndjson
from pricecore.feeds.capture import Capture, Content
from pricecore.feeds.csv_tables import Options, Table, time_reader
from pricecore.feeds.formats import UNKNOWN, Decode, Format, find_format
from pricecore.feeds.lines import CaptureStamp, Lines, Stamp
from pricecore.feeds.recognise import Recognised, first_row, mapped_source, recognise
from pricecore.feeds.rows import RowStamp
from pricecore.feeds.sink import Sink
from pricecore.feeds.tally import Tally

if TYPE_CHECKING:
    from pricecore.engine.price_engine import PriceEngine

_NO_OPTIONS = Options()


class Source(Tally):
    """A file, its format and its counts.

    Parameters
    ----------
    path : str, Path or Content
        The file, "-" for standard input, or a member of an archive.
    number : int
        Position among the sources of a run; records carry it.
    engine : PriceEngine
        Receives the updates; made with `on_bad="count"`, so that a refused one does not end the run.
    label : str
        Put before every symbol as `label:`; empty for none.
    format_name : str or Format, optional
        A format, or a name of `formats.FORMATS`; by default the content of the first lines decides.
    on_new : callable, optional
        Called with each symbol of the engine that this source brings, once.
    options : Options
        What the file does not say itself.

    Raises
    ------
    OSError
        The file is missing or cannot be read.
    FormatError
        No such format, or the file lacks what the format needs.

    Attributes
    ----------
    blank : bool
        Whether there was nothing in its first lines to recognise it by.
    lacks_date : bool
        Whether its times count from the midnight of a day that nobody named.

    Threads: one reads `records`, one takes messages; the counts may be read by any.
    Cost: one chunk of the file and one line in memory.
    """

    def __init__(
        self,
        path: str | Path | Content,
        number: int,
        engine: "PriceEngine",
        label: str = "",
        format_name: str | Format | None = None,
        on_new: Callable[[str], None] | None = None,
        options: Options = _NO_OPTIONS,
    ) -> None:
        self.label = label
        self.lacks_date = False
        self.options = options
        self.sink = Sink(engine, label, on_new)
        self.capture: Content = Capture(path) if isinstance(path, str | Path) else path
        try:
            chunks, decode, stamp = self._open(format_name)
        except BaseException:
            self.close()
            raise
        super().__init__(decode)
        self.records = Lines(chunks, number, stamp, lambda: self.capture.damage)

    def _open(self, asked: str | Format | None) -> tuple[Iterator[bytes], Decode, Stamp]:
        found = self._recognised(find_format(asked) if isinstance(asked, str) else asked)
        self.format = found.format or UNKNOWN
        self.blank = found.format is None and not found.line
        if self.format.table is None:
            return found.chunks, self._messages(), CaptureStamp()
        return found.chunks, *self._rows(self.format.table, found)

    def _recognised(self, asked: Format | None) -> Recognised:
        """Return the format, and no more of the source than it takes to be sure of it."""
        chunks = self.capture.chunks()
        if self.options.mapped is not None:
            return mapped_source(chunks, self.options.mapped)
        if asked is None:
            return recognise(chunks)
        if asked.table is None:
            return Recognised(asked, b"", 0, chunks)
        return first_row(chunks, asked)._replace(format=asked)

    def _messages(self) -> Decode:
        if self.format.mapped is not None:
            times = time_reader(self.format.mapped.get("time"), self.options)
            return ndjson.decoder(self.format.mapped, self.options.symbol, times)(self.sink)
        if self.format.decoder is None:
            raise FormatError(f"the format {self.format.name!r} has no decoder")
        return self.format.decoder(self.sink)

    def _rows(self, table: Table, found: Recognised) -> tuple[Decode, Stamp]:
        if not found.line:  # the file is empty
            return (lambda row: 0), Stamp()
        columns = table.columns(found.line, self.options)
        self.lacks_date = table.of_day and self.options.day is None
        decode = table.decoder(self.sink, columns, self.options.symbol, found.rows_before)
        return decode, RowStamp(columns)

    @property
    def path(self) -> str:
        """The file, as it was given."""
        return self.capture.path

    @property
    def gaps(self) -> int:
        """Times that numbers of the venue were left out."""
        return sum(series.gaps for series in self.sink.series)

    @property
    def duplicates(self) -> int:
        """Numbers of the venue that came again."""
        return sum(series.duplicates for series in self.sink.series)

    def close(self) -> None:
        """Close the file; the counts stay. Threads: any, while no other reads. Cost: one system call."""
        self.capture.close()
