"""Bybit messages: topics of version 2 (2021) and of version 5.

| topic | becomes | time |
| --- | --- | --- |
| trade.SYMBOL | one `update` a trade: price, size, each a number or a string | trade_time_ms |
| publicTrade.SYMBOL | one `update` a trade: p, v | T |
| tickers.SYMBOL | `update`: lastPrice, no volume, change price24hPcnt (a fraction) | ts |

Sizes of inverse contracts are in USD, as Bybit gives them. A delta of a ticker without lastPrice is ignored.
Numbers checked: cross_seq and seq, which never go back in one symbol; they leave numbers out, so gaps cannot be told.
"""

from collections.abc import Callable, Iterable
from math import isnan
from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Decoder

from pricecore.feeds.decoding import (
    Number,
    content_of,
    epoch_ns,
    hand_on_all,
    message_decoder,
    number,
    percent_change,
    percent_of,
    price_of,
    size_of,
)
from pricecore.feeds.sink import Sink

_KINDS = ("trade", "publicTrade", "tickers")


class _Message(Struct, gc=False):
    topic: str = ""
    data: Raw = Raw(b"null")
    ts: int = 0


class _Trade(Struct, gc=False, rename={"sequence": "cross_seq", "time_ms": "trade_time_ms"}):
    symbol: str = ""
    price: Number = None
    size: Number = None
    time_ms: int = 0
    sequence: int | None = None


class _Trade5(Struct, gc=False, rename={"symbol": "s", "price": "p", "size": "v", "time_ms": "T", "sequence": "seq"}):
    symbol: str = ""
    price: Number = None
    size: Number = None
    time_ms: int = 0
    sequence: int | None = None


# Not rename="camel": that asks for prevPrice24H, which Bybit does not send.
_TICKER_FIELDS = {"last_price": "lastPrice", "price24h_pcnt": "price24hPcnt", "prev_price24h": "prevPrice24h"}


class _Ticker(Struct, gc=False, rename=_TICKER_FIELDS):
    symbol: str = ""
    last_price: Number = None
    price24h_pcnt: Number = None
    prev_price24h: Number = None


def decoder(sink: Sink) -> Callable[[bytes], int]:
    """Return a function that hands the prices of one message on and returns how many there were.

    Threads: one at a time for each sink.
    Cost: about 3 us a message, more with many trades; allocates.
    """
    decode_rows: dict[str, Callable[[Raw], Iterable[_Trade | _Trade5]]] = {
        "trade": Decoder(list[_Trade], strict=False).decode,
        "publicTrade": Decoder(list[_Trade5], strict=False).decode,
    }
    decode_ticker = Decoder(_Ticker, strict=False).decode
    numbers = sink.number_series(dense=False)

    def trade(row: _Trade | _Trade5) -> int:
        if row.sequence:
            numbers.check(row.symbol, row.sequence)
        return sink.trade(row.symbol, price_of(row.price), size_of(row.size), epoch_ns(row.time_ms))

    def ticker(message: _Message) -> int:
        row = decode_ticker(message.data)
        price = number(row.last_price)
        if price is None:
            return 0
        change_24h = percent_of(row.price24h_pcnt, 100.0)
        if isnan(change_24h):
            change_24h = percent_change(price, row.prev_price24h)
        return sink.trade(row.symbol, price, 0.0, epoch_ns(message.ts), change_24h)

    def hand_on(message: _Message) -> int:
        kind = message.topic.partition(".")[0]
        if kind == "tickers":
            return ticker(message)
        decode = decode_rows.get(kind)
        return 0 if decode is None else hand_on_all(decode(message.data), trade)

    return message_decoder(_Message, _carries_price, hand_on)


def recognises(message: bytes) -> bool:
    """Tell whether this message has a shape that only Bybit uses. Threads: any. Cost: decodes the message."""
    content = content_of(message)
    if not isinstance(content, dict):
        return False
    if content.keys() >= {"success", "ret_msg", "conn_id"}:
        return True
    topic = content.get("topic")
    return isinstance(topic, str) and "data" in content and not topic.startswith("/")  # KuCoin's topics are paths


def _carries_price(content: Any) -> bool:
    topic = content.get("topic") if isinstance(content, dict) else None
    return isinstance(topic, str) and topic.partition(".")[0] in _KINDS
