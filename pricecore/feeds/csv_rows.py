"""CSV with a header of named columns: trades, quotes or both in one row.

A column is found by its name in any case, with or without `_`, `-` and spaces, from the table `COLUMNS`; where several
columns fit, the name that stands first in the table wins. Needed are a symbol and a price, a bid or an ask. A row with
a price gives an `update`, one with a bid or an ask an `update_quote`; an empty cell is not given, and a bid or ask of 0
is an absent side. A volume column must hold the size of the trade, not that of a day; change is in percent over 24 h.
Rows are merged by their own time, see `timestamps` for how it may be written.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from math import nan
from typing import Any, NamedTuple

from pricecore.feeds.merge import Record
from pricecore.feeds.sink import MALFORMED, FormatError, MalformedError, Sink
from pricecore.feeds.timestamps import parse_time_ns

COLUMNS = {
    "symbol": ("symbol", "ticker", "instrument", "instrumentid", "productid", "pair", "market", "sym", "id"),
    "price": ("price", "lastprice", "last", "tradeprice"),
    "volume": ("volume", "size", "quantity", "qty", "amount", "lastsize", "tradesize"),
    "bid": ("bid", "bidprice", "bestbid", "bestbidprice"),
    "ask": ("ask", "askprice", "bestask", "bestaskprice", "offer"),
    "bid_size": ("bidsize", "bidqty", "bidvolume", "bidamount", "bestbidsize", "bestbidqty"),
    "ask_size": ("asksize", "askqty", "askvolume", "askamount", "bestasksize", "bestaskqty", "offersize"),
    "time": ("timestamp", "timestampns", "timestampus", "timestampms", "time", "datetime", "ts", "eventtime", "date"),
    "change_24h": ("change24h", "changepercent24h", "percentchange24h", "pricechangepercent"),
}
"""What a column holds, and the names it may have; case and punctuation of the header do not count."""

_DELIMITERS = ",;\t|"


class Row(NamedTuple):
    """One row, read."""

    symbol: str = ""
    time_ns: int = 0
    price: float | None = None
    volume: float = 0.0
    change_24h: float = nan
    bid: float = nan
    ask: float = nan
    bid_size: float = 0.0
    ask_size: float = 0.0

    @property
    def has_quote(self) -> bool:
        """Whether one side at least is there."""
        return self.bid == self.bid or self.ask == self.ask


class Header:
    """The first row: which cell holds what.

    Parameters
    ----------
    line : bytes
        The header as it stands in the file; UTF-8, delimited by comma, semicolon, tab or bar.

    Raises
    ------
    FormatError
        The line is no row, or a column that is needed is missing; the message names the columns that were found.

    Threads: any.
    Cost: some microseconds.
    """

    def __init__(self, line: bytes) -> None:
        text = line.decode("utf-8-sig", errors="replace").rstrip("\r")
        self.delimiter = max(_DELIMITERS, key=text.count)
        try:
            self.names = _split(text, self.delimiter)
        except MalformedError as error:
            raise FormatError(f"the header {text[:80]!r} cannot be read: {error}") from None
        cells = _cells_by_role(self.names)
        if "symbol" not in cells:
            raise self._lacks("symbol")
        if cells.keys().isdisjoint(("price", "bid", "ask")):
            raise self._lacks("price", "bid", "ask")
        self._symbol = cells.pop("symbol")
        self._time = cells.pop("time", None)
        self._sides = [side for side in ("bid", "ask") if side in cells]
        self._numbers = list(cells.items())

    def _lacks(self, *roles: str) -> FormatError:
        names = ", ".join(name for role in roles for name in COLUMNS[role])
        found = ", ".join(self.names)[:500] or "none"
        return FormatError(f"no column for {' or '.join(roles)} (known names: {names}); columns found: {found}")

    def parse(self, line: bytes) -> Row | None:
        """Return the row in `line`, or None when it is blank or gives no price.

        Raises
        ------
        ValueError
            The line is no UTF-8, has another number of cells than the header, or a cell cannot be read.

        Threads: any.
        Cost: 2 to 4 us; allocates.
        """
        text = line.decode().rstrip("\r")
        if not text.strip():
            return None
        texts = _split(text, self.delimiter)
        if len(texts) != len(self.names):
            raise MalformedError(f"{len(texts)} cells where the header has {len(self.names)}")
        time_ns = 0 if self._time is None else parse_time_ns(texts[self._time])
        numbers = {role: float(texts[cell]) for role, cell in self._numbers if texts[cell]}
        for side in self._sides:
            if not numbers.get(side, 0.0):
                numbers[side] = nan
        row = Row(texts[self._symbol], time_ns, **numbers)
        return row if row.price is not None or row.has_quote else None


def open_rows(lines: Iterable[bytes], source: int, sink: Sink) -> tuple[Iterator[Record], Callable[[Any], int]]:
    """Read the header and return the records that follow, and the function that hands one on.

    Parameters
    ----------
    lines : iterable of bytes
        The lines of the file, from its start; blank lines before the header are skipped.
    source : int
        Number of the source, given back in each record.
    sink : Sink
        Receives the updates and counts them.

    Raises
    ------
    FormatError
        The header lacks a column that is needed.

    Threads: one.
    Cost: 3 to 6 us a row.
    """
    lines = iter(lines)
    blank = 0
    for line in lines:
        if line.strip():
            header = Header(line)
            break
        blank += 1
    else:
        return repeat((0, source, None), blank), _applier(sink)
    # The lines up to the header are records too, so that all lines are accounted for.
    return chain(repeat((0, source, None), blank + 1), _records(header, lines, source)), _applier(sink)


def recognises(line: bytes) -> bool:
    """Tell whether this line is a header that `open_rows` can use. Threads: any. Cost: some microseconds."""
    try:
        Header(line)
    except FormatError:
        return False
    return True


def _records(header: Header, lines: Iterable[bytes], source: int) -> Iterator[Record]:
    """Yield each row with its time; one that cannot be read is handed on as its error, to be counted in its turn."""
    time_ns = 0
    for line in lines:
        row: Row | Exception | None
        try:
            row = header.parse(line)
        except MALFORMED as error:
            row = error
        else:
            time_ns = row.time_ns if row is not None and row.time_ns else time_ns
        yield time_ns, source, row


def _applier(sink: Sink) -> Callable[[Row | Exception | None], int]:
    def apply(row: Row | Exception | None) -> int:
        if row is None:
            return 0
        if isinstance(row, Exception):
            raise row
        name = sink.names[row.symbol]
        if row.price is not None:
            sink.trades += 1
            sink.update(name, row.price, row.volume, row.time_ns, row.change_24h)
        if row.has_quote:
            sink.quotes += 1
            sink.update_quote(name, row.bid, row.ask, row.bid_size, row.ask_size, row.time_ns)
        return (row.price is not None) + row.has_quote

    return apply


def _cells_by_role(names: list[str]) -> dict[str, int]:
    """Return which cell holds what, after `COLUMNS`."""
    cells = {_plain(name): cell for cell, name in reversed(list(enumerate(names)))}
    found = {role: [cells[alias] for alias in aliases if alias in cells] for role, aliases in COLUMNS.items()}
    return {role: cells[0] for role, cells in found.items() if cells}


def _split(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise MalformedError(str(error)) from None


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
