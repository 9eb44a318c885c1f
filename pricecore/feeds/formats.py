"""The table of formats: how the lines of a source become messages, and messages prices.

A new venue is one row: its decoder, and a test that knows its messages. `register` adds one from outside.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from msgspec import Raw
from msgspec.json import Decoder

from pricecore.feeds import binance, bybit, coinbase, csv_rows, kraken, okx
from pricecore.feeds.capture import timed_messages
from pricecore.feeds.merge import Record
from pricecore.feeds.sink import FormatError, Sink

LINES_LOOKED_AT = 64
"""A format is recognised from the first lines of a source, of which there are at most this many."""

Decode = Callable[[Any], int]
"""Hands the prices of one message on and returns how many; raises one of `sink.MALFORMED`."""

Opener = Callable[[Iterable[bytes], int, Sink], tuple[Iterator[Record[Any]], Decode]]


class Format(NamedTuple):
    """One format.

    Attributes
    ----------
    name : str
        As `--format` takes it.
    recognises : callable
        Tells from one line whether a source is in this format.
    open : callable
        From (lines, number of the source, sink): the records in file order, and the function that hands one on.
    decoder : callable or None
        From a sink: the function that hands one message on. None for formats whose lines are not messages.
    """

    name: str
    recognises: Callable[[bytes], bool]
    open: Opener
    decoder: Callable[[Sink], Decode] | None = None


def _captured(decoder: Callable[[Sink], Decode]) -> Opener:
    """Return the `open` of a format with one message a line, after its receive time where there is one."""

    def open_messages(lines: Iterable[bytes], source: int, sink: Sink) -> tuple[Iterator[Record], Decode]:
        return timed_messages(lines, source), decoder(sink)

    return open_messages


def _in_message(recognises: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """Return a test of lines from a test of messages."""
    return lambda line: any(recognises(message) for _, _, message in timed_messages([line], 0))


def _venue(name: str, decoder: Callable[[Sink], Decode], recognises: Callable[[bytes], bool]) -> Format:
    return Format(name, _in_message(recognises), _captured(decoder), decoder)


FORMATS = {
    row.name: row
    for row in (
        _venue("binance", binance.decoder, binance.recognises),
        _venue("bybit", bybit.decoder, bybit.recognises),
        _venue("coinbase", coinbase.decoder, coinbase.recognises),
        _venue("kraken", kraken.decoder, kraken.recognises),
        _venue("okx", okx.decoder, okx.recognises),
        Format("csv", csv_rows.recognises, csv_rows.open_rows),
    )
}


def register(name: str, decoder: Callable[[Sink], Decode], recognises: Callable[[bytes], bool] | None = None) -> None:
    """Add a format of your own, for `Feed` and for `Source`.

    Parameters
    ----------
    name : str
        A new name.
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

    Threads: any, before the format is used.
    Cost: one dict store.
    """
    if name in FORMATS:
        raise FormatError(f"there is a format {name!r} already")
    FORMATS[name] = _venue(name, decoder, recognises or (lambda message: False))


def _no_prices(sink: Sink) -> Decode:
    """Return the decoder of a source that nobody knows: it tells JSON from damage, and finds no price."""
    check = Decoder(Raw).decode

    def decode(message: bytes) -> int:
        if message.strip():
            check(message)
        return 0

    return decode


UNKNOWN = Format("unknown", lambda line: False, _captured(_no_prices))
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


def recognise(lines: Iterator[bytes]) -> tuple[Format | None, Iterator[bytes]]:
    """Find the format of a source from the content of its first lines.

    Returns
    -------
    tuple
        The format or None, and all the lines, those looked at included.

    Threads: one.
    Cost: reads no more lines than it needs, at most `LINES_LOOKED_AT`; decodes each in full.
    """
    looked_at = []
    for line in islice(lines, LINES_LOOKED_AT):
        looked_at.append(line)
        for row in FORMATS.values():
            if row.recognises(line):
                return row, chain(looked_at, lines)
    return None, chain(looked_at, lines)
