"""Binance messages: trade, aggTrade, bookTicker and 24hrTicker of spot and futures, in a combined stream or bare.

| message | becomes | time |
| --- | --- | --- |
| trade, aggTrade | `update`: price p, volume q | T, when the trade was made |
| 24hrTicker | `update`: price c, volume Q (last quantity, never the 24 h volume), change P in percent | E, the event |
| bookTicker | `update_quote`: b, a, sizes B, A; a side of price 0 is absent | T, the transaction; none on spot |

T and not the event time E, because T is when the price was made and E when the message was. Times are ms, or us on
connections opened with `timeUnit=MICROSECOND`. Spot's bookTicker names no event: it is known by its symbol and sides.
Numbers checked: t of trades and a of aggregated ones, which are complete for each symbol.
Whatever else is JSON (depth, candles, acks, snapshots) carries no price and is ignored.
"""

from collections.abc import Callable
from math import nan

from msgspec import DecodeError, Struct
from msgspec.json import Decoder
from msgspec.json import decode as decode_any

from pricecore.feeds.sink import MALFORMED, MalformedError, Sink

_TRADES = ("trade", "aggTrade")
_PRICED = (*_TRADES, "bookTicker", "24hrTicker")
_SPOT_BOOK = {"u", "s", "b", "B", "a", "A"}
_FIRST_MICROSECOND_TIME = 10**14  # read as ms: the year 5138


class _Levels(Struct, array_like=True, gc=False):
    """The price levels of a depth message, which uses b and a too: skipped without building a list."""


class _Event(Struct, gc=False):
    """One event of any kind; the field names are Binance's."""

    e: str = ""
    s: str = ""
    p: float | None = None
    q: float = 0.0
    b: float | _Levels | None = None
    B: float = 0.0
    a: float | _Levels | None = None
    A: float = 0.0
    c: float | None = None
    Q: float = 0.0
    P: float = nan
    T: int = 0
    E: int = 0
    t: int | None = None


class _Combined(Struct, gc=False):
    """The envelope of a combined stream as Binance writes it."""

    data: _Event


class _Bare(_Event, gc=False):
    """A bare event, or an envelope with its fields in another order; a tenth slower to decode than `_Combined`."""

    data: _Event | None = None


def decoder(sink: Sink) -> Callable[[bytes], int]:
    """Return a function that hands the prices of one message on and returns how many there were.

    Parameters
    ----------
    sink : Sink
        Receives the updates and counts them.

    Returns
    -------
    callable
        Takes a message as bytes; returns 1 for a price, 0 for well-formed JSON without one and for blanks. Raises one
        of `sink.MALFORMED` when the message is no JSON, or is a price message with a field missing or unreadable.

    Threads: one at a time for each sink.
    Cost: about 1 us a message; allocates one struct.
    """
    update, update_quote, names = sink.update, sink.update_quote, sink.names
    # strict=False reads the numbers that Binance sends as strings; declared as str they would cost a float() each.
    decode_combined = Decoder(_Combined, strict=False).decode
    decode_bare = Decoder(_Bare, strict=False).decode
    trade_ids, aggregate_ids = sink.number_series(), sink.number_series()

    def trade(event: _Event, price: float | None, volume: float, time: int, change_24h: float) -> int:
        if price is None or not event.s:
            raise MalformedError(f"{event.e} without a price or a symbol")
        time_ns = time * 1_000_000 if time < _FIRST_MICROSECOND_TIME else time * 1_000
        sink.trades += 1
        update(names[event.s], price, volume, time_ns, change_24h)
        return 1

    def checked(event: _Event) -> None:
        """Check the number of a trade; `a` of an aggregated one is read as a price and exact up to 2^53."""
        if event.e == "trade":
            if event.t:
                trade_ids.check(event.s, event.t)
        elif type(event.a) is float:
            aggregate_ids.check(event.s, event.a)

    def quote(event: _Event) -> int:
        bid, ask, time = event.b, event.a, event.T
        if type(bid) is not float or type(ask) is not float or not event.s:
            if event.e:
                raise MalformedError(f"{event.e} without a side or a symbol")
            return 0  # an answer or a snapshot, which name no event either
        if not (bid or ask):
            return 0  # the book is empty
        time_ns = time * 1_000_000 if time < _FIRST_MICROSECOND_TIME else time * 1_000
        sink.quotes += 1
        update_quote(names[event.s], bid or nan, ask or nan, event.B, event.A, time_ns)
        return 1

    def decode(message: bytes) -> int:
        try:
            if not message.isascii():
                message.decode()  # msgspec does not check the fields that it skips for UTF-8
            if message.startswith(b'{"stream":'):
                event = decode_combined(message).data
            else:
                event = decode_bare(message)
                event = event.data or event
        except DecodeError:
            return _judge(message)
        kind = event.e
        if kind == "bookTicker" or not kind:
            return quote(event)
        if kind in _TRADES:
            checked(event)
            return trade(event, event.p, event.q, event.T, nan)
        if kind == "24hrTicker":
            return trade(event, event.c, event.Q, event.E, event.P)
        return 0

    return decode


def recognises(message: bytes) -> bool:
    """Tell whether this message has a shape that only Binance uses.

    Threads: any.
    Cost: decodes the message in full; for the first few of a source.
    """
    try:
        content = decode_any(message)
    except MALFORMED:
        return False
    event = content.get("data", content) if isinstance(content, dict) else None
    if not isinstance(event, dict):
        return False
    return event.keys() >= {"e", "E"} or event.keys() >= _SPOT_BOOK or "lastUpdateId" in event


def _judge(message: bytes) -> int:
    """Return 0 for blanks and for JSON that is no price message; raise for all else."""
    if not message.strip():
        return 0
    content = decode_any(message)
    event = content.get("data", content) if isinstance(content, dict) else None
    if isinstance(event, dict) and (event.get("e") in _PRICED or event.keys() >= _SPOT_BOOK):
        raise MalformedError("a price message with a field that is missing or not a number")
    return 0
