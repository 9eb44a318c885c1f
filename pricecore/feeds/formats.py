"""The table of formats: how the lines of a source become messages, and messages prices.

A new venue is one row: its decoder, and a test that knows its messages. `register` adds one from outside.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import Raw
from msgspec.json import Decoder

from pricecore.errors import FormatError
from pricecore.feeds import binance, bybit, coinbase, kraken, ndjson, okx, presets
from pricecore.feeds.capture import timed_messages
from pricecore.feeds.csv_tables import Options, Table, csv_table, header_fits
from pricecore.feeds.mapping import Fields, fields
from pricecore.feeds.sink import Sink

Decode = Callable[[Any], int]
"""Hands the prices of one message on and returns how many; raises one of `sink.MALFORMED`."""


class Format(NamedTuple):
    """One format: messages that a decoder reads, or the rows of a table.

    Attributes
    ----------
    name : str
        As `--format` takes it.
    recognises : callable
        Tells from one line whether a source is in this format.
    decoder : callable or None
        From a sink: the function that hands one message on. None for tables whose header is needed first.
    table : Table or None
        For CSV.
    mapped : mapping or None
        For JSON messages with mapped fields.
    """

    name: str
    recognises: Callable[[bytes], bool]
    decoder: Callable[[Sink], Decode] | None = None
    table: Table | None = None
    mapped: Fields | None = None


def in_message(recognises: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """Return a test of lines from a test of messages."""
    return lambda line: any(recognises(message) for _, _, message in timed_messages([line], 0))


def _venue(name: str, decoder: Callable[[Sink], Decode], recognises: Callable[[bytes], bool]) -> Format:
    return Format(name, in_message(recognises), decoder)


def never_recognised(message: bytes) -> bool:
    """Tell of every message that it is of another format."""
    return False


def csv_format(
    name: str,
    columns: Sequence[str] = (),
    *,
    zone: str = "",
    partial: bool = False,
    recognises: Callable[[bytes], bool] | None = None,
    **mapped: str | None,
) -> Format:
    """Describe a CSV format by its mapping.

    Parameters
    ----------
    name : str
        As `--format` takes it.
    columns : sequence of str
        The columns of a table without a header; by default the first row names them.
    zone : str
        Of times that name none, for example "America/New_York"; UTC by default.
    partial : bool
        Whether a quote with one side keeps the other side's last value instead of taking it away.
    recognises : callable, optional
        Tells from one line whether a source is in this format; by default a header with all mapped columns is.
    **mapped : str
        From symbol, price, volume, bid, ask, bid_size, ask_size, change and time to `COLUMN` or `COLUMN:UNIT`: units
        are s, ms, us, ns, with -of-day behind it for times since midnight; percent, fraction; /10000 for a scale.

    Returns
    -------
    Format
        For `register`, after which `pricecore run --format NAME` and, without a header, `Feed` take it.

    Raises
    ------
    FormatError
        The mapping has no price, a name or a unit is unknown, or a column is not among `columns`.

    Threads: any.
    Cost: microseconds.

    Examples
    --------
    >>> from pricecore.feeds import csv_format
    >>> csv_format("mine", symbol="sym", price="px:/100", time="t:ms", change="chg:fraction").name
    'mine'
    """
    table = csv_table(columns, zone=zone, partial=partial, **mapped)

    def decoder(sink: Sink) -> Decode:
        return table.decoder(sink, table.columns(b"", Options()))

    by_header = never_recognised if table.names else (lambda line: header_fits(table, line))
    return Format(name, recognises or by_header, decoder if table.names else None, table)


def ndjson_format(name: str, *, recognises: Callable[[bytes], bool] | None = None, **mapped: str | None) -> Format:
    """Describe a format of JSON messages by its mapping.

    Parameters
    ----------
    name : str
        As `--format` and `Feed` take it.
    recognises : callable, optional
        Tells from one message whether it is in this format; by default one that has every mapped field is.
    **mapped : str
        As in `csv_format`; a field inside another is written with a point: `price="data.p"`.

    Returns
    -------
    Format
        For `register`, after which `Feed` and `pricecore run --format NAME` take it.

    Raises
    ------
    FormatError
        The mapping has no price, or a name or a unit is unknown.

    Threads: any.
    Cost: builds a msgspec type.

    Examples
    --------
    >>> import pricecore
    >>> from pricecore.feeds import Feed, ndjson_format, register
    >>> register(ndjson_format("house", symbol="s", price="p", time="t:ms"))
    >>> with pricecore.PriceEngine() as engine:
    ...     Feed(engine, "house").feed('{"s": "GC", "p": "1326.5", "t": 1381190400000}')
    ...     engine.price("GC")
    1
    1326.5
    """
    found = fields(mapped)
    test = recognises or ndjson.recognises(found)
    return Format(name, in_message(test), ndjson.decoder(found), None, found)


def _preset(preset: presets.Preset) -> Format:
    return csv_format(
        preset.name,
        preset.columns,
        zone=preset.zone,
        partial=preset.partial,
        recognises=preset.recognises,
        **preset.mapped,
    )


_NAMED_COLUMNS = Table()

FORMATS = {
    row.name: row
    for row in (
        _venue("binance", binance.decoder, binance.recognises),
        _venue("bybit", bybit.decoder, bybit.recognises),
        _venue("coinbase", coinbase.decoder, coinbase.recognises),
        _venue("kraken", kraken.decoder, kraken.recognises),
        _venue("okx", okx.decoder, okx.recognises),
        *map(_preset, presets.PRESETS),
        Format("csv", lambda line: header_fits(_NAMED_COLUMNS, line), table=_NAMED_COLUMNS),
    )
}


def _check_callable(what: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{what} must be callable, not {value!r}")


def _check(row: Format) -> None:
    """Refuse a format that would fail when it is used, which may be far from where it was made."""
    if not isinstance(row.name, str):
        raise TypeError(f"the name of a format must be a str, not {row.name!r}")
    if not row.name:
        raise ValueError("the name of a format is ''; it must not be empty")
    _check_callable("recognises", row.recognises)
    if row.decoder is not None:
        _check_callable("decoder", row.decoder)


def register(
    name: str | Format,
    decoder: Callable[[Sink], Decode] | None = None,
    recognises: Callable[[bytes], bool] | None = None,
) -> None:
    """Add a format of your own, for `Feed` and for `pricecore run`.

    Parameters
    ----------
    name : str or Format
        A new name; or all of a format, as `csv_format` and `ndjson_format` return it, and nothing else.
    decoder : callable
        Takes a `Sink` and returns a function that takes one message as bytes, hands its prices to `sink.trade` and
        `sink.quote`, and returns how many there were; 0 for a message without one. It raises `MalformedError` or
        another ValueError on what it cannot read.
    recognises : callable, optional
        Tells from one message, which may be any bytes, whether it has a shape that only this venue uses; it must not
        raise. Without it the format is used only where it is named.

    Raises
    ------
    FormatError
        The name is taken.
    TypeError
        The name is no str, or what should be callable is not.
    ValueError
        The name is empty.

    Threads: any, before the format is used.
    Cost: one dict store.
    """
    if isinstance(name, Format):
        row = name
    elif decoder is None:
        raise TypeError("a format that is given by its name needs a decoder")
    else:
        test = never_recognised if recognises is None else recognises
        _check_callable("recognises", test)
        row = _venue(name, decoder, test)
    _check(row)
    if row.name in FORMATS:
        raise FormatError(f"there is a format {row.name!r} already")
    FORMATS[row.name] = row


def _no_prices(sink: Sink) -> Decode:
    """Return the decoder of a source that nobody knows: it tells JSON from damage, and finds no price."""
    check = Decoder(Raw).decode

    def decode(message: bytes) -> int:
        if message.strip():
            check(message)
        return 0

    return decode


UNKNOWN = Format("unknown", never_recognised, _no_prices)
"""Reads what no format recognises, so that a run with one odd file among many counts its lines and goes on."""


def find_format(name: str) -> Format:
    """Return the format called `name`.

    Raises
    ------
    FormatError
        There is none; the message names those that there are.

    Threads: any.
    Cost: one dict lookup.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise FormatError(f"unknown format {name!r}; known are {', '.join(FORMATS)}") from None
