"""One file on its way into the engine: opened, recognised, decoded and counted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pricecore.errors import PricecoreError
from pricecore.feeds.capture import Capture
from pricecore.feeds.formats import UNKNOWN, find_format, recognise
from pricecore.feeds.merge import Record
from pricecore.feeds.sink import MALFORMED, Sink

if TYPE_CHECKING:
    from pricecore.engine.price_engine import PriceEngine


class Source:
    """A file, its format and its counts.

    Parameters
    ----------
    path : str or Path
        The file.
    number : int
        Position among the sources of a run; records carry it.
    engine : PriceEngine
        Receives the updates; made with `on_bad="count"`, so that a refused one does not end the run.
    label : str
        Put before every symbol as `label:`; empty for none.
    format_name : str, optional
        A name of `formats.FORMATS`; by default the content of the first lines decides.
    on_new : callable, optional
        Called with each symbol of the engine that this source brings, once.

    Raises
    ------
    OSError
        The file is missing or cannot be read.
    FormatError
        No such format, or the file lacks what the format needs.

    Threads: one takes messages; the counts may be read by any.
    Cost: one chunk of the file and one line in memory.
    """

    def __init__(
        self,
        path: str | Path,
        number: int,
        engine: "PriceEngine",
        label: str = "",
        format_name: str | None = None,
        on_new: Callable[[str], None] | None = None,
    ) -> None:
        self.label = label
        self.capture = Capture(path)
        self.sink = Sink(engine, label, on_new)
        self.priced = 0
        self.ignored = 0
        self.malformed = 0
        self.first_malformed: str | None = None
        self.records: Iterator[Record]
        try:
            self._open(number, format_name)
        except BaseException:
            self.close()
            raise

    def _open(self, number: int, format_name: str | None) -> None:
        lines = self.capture.lines()
        if format_name is None:
            found, lines = recognise(lines)
            self.format = found or UNKNOWN
        else:
            self.format = find_format(format_name)
        self.records, self._decode = self.format.open(lines, number, self.sink)

    @property
    def path(self) -> str:
        """The file, as it was given."""
        return self.capture.path

    @property
    def lines(self) -> int:
        """Lines taken so far: every one is priced, ignored or malformed."""
        return self.priced + self.ignored + self.malformed

    def take(self, message: object) -> None:
        """Hand the prices of one message on and count its line; a message that cannot be read is counted, never raised.

        Threads: one.
        Cost: that of the decoder and of `engine.update`.
        """
        try:
            if self._decode(message):
                self.priced += 1
            else:
                self.ignored += 1
        except MALFORMED as error:
            if isinstance(error, PricecoreError):
                raise  # the engine is closed or broken: nothing to do with the message
            self.malformed += 1
            if self.first_malformed is None:
                self.first_malformed = f"line {self.lines:,}: {error}"

    def close(self) -> None:
        """Close the file; the counts stay. Threads: any. Cost: one system call."""
        self.capture.close()
