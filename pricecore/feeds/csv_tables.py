"""CSV tables: with a header of named columns, or with columns that a mapping gives.

Without a mapping a column is found by its name in any case, with or without `_`, `-` and spaces, from the table
`COLUMNS`; where several columns fit, the name that stands first in the table wins. Needed are a price, a bid or an
ask, and a symbol unless one is given for all rows. A volume column must hold the size of the trade, not that of a day;
change is in percent over 24 h. Rows are merged by their own time, see `timestamps` for how it may be written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from pricecore.errors import FormatError, MalformedError
from pricecore.feeds.mapping import Field, Fields, fields
from pricecore.feeds.rows import MAX_COLUMNS, Columns, RowDecoder
from pricecore.feeds.sink import Sink
from pricecore.feeds.timestamps import OF_DAY, TimeReader
from pricecore.feeds.zones import epoch_days, offsets_of

COLUMNS = {
    "symbol": ("symbol", "ticker", "instrument", "instrumentid", "productid", "pair", "market", "sym", "id"),
    "price": ("price", "lastprice", "last", "tradeprice"),
    "volume": ("volume", "size", "quantity", "qty", "amount", "lastsize", "tradesize"),
    "bid": ("bid", "bidprice", "bestbid", "bestbidprice"),
    "ask": ("ask", "askprice", "bestask", "bestaskprice", "offer"),
    "bid_size": ("bidsize", "bidqty", "bidvolume", "bidamount", "bestbidsize", "bestbidqty"),
    "ask_size": ("asksize", "askqty", "askvolume", "askamount", "bestasksize", "bestaskqty", "offersize"),
    "time": ("timestamp", "timestampns", "timestampus", "timestampms", "time", "datetime", "ts", "eventtime", "date"),
    "change": ("change24h", "changepercent24h", "percentchange24h", "pricechangepercent"),
}
"""What a column holds, and the names it may have; case and punctuation of the header do not count."""

_DELIMITERS = ",;\t|"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Options(NamedTuple):
    """What the user of a file knows and the file does not say."""

    symbol: str = ""
    """Of all its rows, where they name none."""
    day: date | None = None
    """Of times that count from midnight."""
    zone: str = ""
    """Of times that name none; empty: that of the format, else UTC."""
    mapped: Mapping[str, str] | None = None
    """Which field holds what, as text; instead of a format."""


@dataclass(frozen=True)
class Table:
    """A kind of CSV table.

    Parameters
    ----------
    mapped : mapping, optional
        Which column holds what; by default those in `COLUMNS`.
    names : sequence of str, optional
        The columns, of tables without a header.
    zone : str
        Of times that name none; empty for UTC.
    partial : bool
        Whether a quote with one side keeps the other as it was.
    """

    mapped: Fields | None = None
    names: tuple[str, ...] = ()
    zone: str = ""
    partial: bool = False

    @property
    def needs_symbol(self) -> bool:
        """Whether no column can name it."""
        return self.mapped is not None and "symbol" not in self.mapped

    @property
    def of_day(self) -> bool:
        """Whether its times count from midnight."""
        return self.mapped is not None and "time" in self.mapped and self.mapped["time"].time_unit.endswith(OF_DAY)

    def columns(self, first_row: bytes, options: Options) -> Columns:
        """Find the columns from the first row that is not blank.

        Raises
        ------
        FormatError
            The row is no header, or a column that is needed is missing; the message names those that were found.
        """
        delimiter, names = _split(first_row)
        names = list(self.names) or names
        if len(names) > MAX_COLUMNS:
            raise FormatError(f"{len(names)} columns; a table has {MAX_COLUMNS} at most")
        found = self._found(names)
        if "symbol" not in found and not options.symbol:
            raise _lacks(names, self.mapped, "symbol")
        if found.keys().isdisjoint(("price", "bid", "ask")):
            raise _lacks(names, self.mapped, "price", "bid", "ask")
        places = {role: names.index(field.name) for role, field in found.items()}
        divisors = {role: field.divisor for role, field in found.items()}
        times = time_reader(found.get("time"), options, self.zone)
        return Columns(len(names), places, delimiter, divisors, times, self.partial)

    def decoder(self, sink: Sink, columns: Columns, symbol: str = "", rows_before: int = 0) -> Callable[[bytes], int]:
        """Return the function that hands one row on; `rows_before` the header are passed over. Threads: one."""
        return RowDecoder(sink, columns, symbol, headers=0 if self.names else rows_before + 1).decode

    def _found(self, names: Sequence[str]) -> dict[str, Field]:
        if self.mapped is None:
            return _found_by_alias(names)
        missing = [field.name for field in self.mapped.values() if field.name not in names]
        if missing:
            raise FormatError(f"no column {', '.join(missing)}; columns found: {_shown(names)}")
        return dict(self.mapped)


def time_reader(field: Field | None, options: Options, zone: str = "") -> TimeReader:
    """Return what reads the times of a field; `zone` is that of the format."""
    unit = "" if field is None else field.time_unit
    day = None if options.day is None else epoch_days(options.day)
    zone = options.zone or zone
    if unit.endswith(OF_DAY) and day is None:
        zone = ""
    return TimeReader(unit, day, offsets_of(zone) if zone else ())


def numbered(mapped: Fields, first_row: bytes) -> Table:
    """Return a table without a header whose fields are the numbers of its columns, from 1."""
    count = max(len(_split(first_row)[1]), *(int(field.name) for field in mapped.values()))
    return Table(mapped, tuple(str(number) for number in range(1, count + 1)))


def csv_table(columns: Sequence[str] = (), *, zone: str = "", partial: bool = False, **mapped: str | None) -> Table:
    """Describe a CSV table by its mapping; see `formats.csv_format`."""
    table = Table(fields(mapped), tuple(columns), zone, partial)
    if table.names:
        table._found(table.names)
    return table


_ANY_SYMBOL = Options(symbol="any")


def header_fits(table: Table, line: bytes) -> bool:
    """Tell whether this line is a header that has the table's columns, a symbol's apart.

    Threads: any.
    Cost: some microseconds.
    """
    try:
        table.columns(line, _ANY_SYMBOL)
    except (FormatError, UnicodeDecodeError):
        return False
    return True


def with_symbol(options: Options, part: str) -> Options:
    """Return the options for one of several parts of a file: its symbol is `SYMBOL.PART`."""
    return options._replace(symbol=f"{options.symbol}.{part}") if options.symbol and part else options


def _found_by_alias(names: Sequence[str]) -> dict[str, Field]:
    """Return the columns that the table `COLUMNS` knows."""
    named = {_plain(name): name for name in reversed(names)}
    known = {role: [named[alias] for alias in aliases if alias in named] for role, aliases in COLUMNS.items()}
    return {role: Field(candidates[0]) for role, candidates in known.items() if candidates}


def _split(row: bytes) -> tuple[str, list[str]]:
    """Return the delimiter and the cells of a first row."""
    row = row.removeprefix(_BYTE_ORDER_MARK)
    delimiter = max(_DELIMITERS, key=lambda sign: row.count(sign.encode()))
    try:
        return delimiter, Columns(1, {}, delimiter).cells(row)
    except (MalformedError, UnicodeDecodeError) as error:
        text = row[:80].decode("utf-8", "backslashreplace")
        raise FormatError(f"the header {text!r} cannot be read: {error}") from None


def _lacks(names: Sequence[str], mapped: Fields | None, *roles: str) -> FormatError:
    hint = "; --symbol names that of all rows" if roles == ("symbol",) else ""
    if mapped is not None:
        return FormatError(f"no column for {' or '.join(roles)} in the format{hint}")
    known = ", ".join(name for role in roles for name in COLUMNS[role])
    return FormatError(
        f"no column for {' or '.join(roles)} (known names: {known}){hint}; columns found: {_shown(names)}"
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names)[:500] or "none"


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
