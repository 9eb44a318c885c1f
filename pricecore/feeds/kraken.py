"""Kraken spot messages: arrays of the first websocket API, objects of the second.

| message | becomes | time |
| --- | --- | --- |
| [id, trades, "trade", pair] | one `update` a trade: price, volume | its own, s with a fraction |
| [id, {c, o}, "ticker", pair] | `update`: last price and lot of c, change from o (24 h) | none |
| channel trade | one `update` a trade: price, qty | timestamp |
| channel ticker | `update`: last, no volume, change_pct | timestamp, where there is one |

Numbers checked: trade_id of the second API, which is complete for each symbol.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, convert

from pricecore.feeds.decoding import (
    Number,
    content_of,
    hand_on_all,
    message_decoder,
    number,
    percent_change,
    percent_of,
    price_of,
    size_of,
)
from pricecore.feeds.sink import Sink
from pricecore.feeds.timestamps import parse_time_ns

_CHANNELS = ("trade", "ticker")
_STATUS = ("systemStatus", "subscriptionStatus")


class _ArrayTrade(Struct, array_like=True, gc=False):
    price: Number
    volume: Number
    time: str


class _ArrayTicker(Struct, gc=False):
    c: tuple[Number, Number]
    o: tuple[Number, Number] = (None, None)


class _Trade(Struct, gc=False):
    symbol: str
    price: Number = None
    qty: Number = None
    timestamp: str = ""
    trade_id: int | None = None


class _Ticker(Struct, gc=False):
    symbol: str
    last: Number = None
    change_pct: Number = None
    timestamp: str = ""


def decoder(sink: Sink) -> Callable[[bytes], int]:
    """Return a function that hands the prices of one message on and returns how many there were.

    Threads: one at a time for each sink.
    Cost: about 5 us a message, more with many trades; allocates.
    """
    trade_ids = sink.number_series()

    def array_ticker(pair: str, row: _ArrayTicker) -> int:
        price = number(row.c[0])
        return 0 if price is None else sink.trade(pair, price, size_of(row.c[1]), 0, percent_change(price, row.o[1]))

    def array_trade(pair: str, row: _ArrayTrade) -> int:
        return sink.trade(pair, price_of(row.price), size_of(row.volume), parse_time_ns(row.time))

    def array_message(content: list) -> int:
        if not _is_array_message(content) or content[-2] not in _CHANNELS:
            return 0
        payload, channel, pair = content[-3:]
        if channel == "ticker":
            return array_ticker(pair, convert(payload, _ArrayTicker, strict=False))
        trades = convert(payload, list[_ArrayTrade], strict=False)
        return hand_on_all(trades, lambda row: array_trade(pair, row))

    def trade(row: _Trade) -> int:
        if row.trade_id:
            trade_ids.check(row.symbol, row.trade_id)
        return sink.trade(row.symbol, price_of(row.price), size_of(row.qty), parse_time_ns(row.timestamp))

    def ticker(row: _Ticker) -> int:
        price, time_ns = number(row.last), parse_time_ns(row.timestamp)
        return 0 if price is None else sink.trade(row.symbol, price, 0.0, time_ns, percent_of(row.change_pct))

    def hand_on(content: Any) -> int:
        if isinstance(content, list):
            return array_message(content)
        if not isinstance(content, dict) or content.get("channel") not in _CHANNELS or "data" not in content:
            return 0
        if content["channel"] == "trade":
            return hand_on_all(convert(content["data"], list[_Trade], strict=False), trade)
        return hand_on_all(convert(content["data"], list[_Ticker], strict=False), ticker)

    return message_decoder(Any, lambda content: False, hand_on)


def recognises(message: bytes) -> bool:
    """Tell whether this message has a shape that only Kraken uses. Threads: any. Cost: decodes the message."""
    content = content_of(message)
    if isinstance(content, list):
        return _is_array_message(content)
    if not isinstance(content, dict):
        return False
    if content.get("event") in _STATUS:
        return True
    data = content.get("data")
    rows = isinstance(data, list) and data and isinstance(data[0], dict) and "symbol" in data[0]
    return bool(rows) and content.keys() >= {"channel", "type"}


def _is_array_message(content: list) -> bool:
    return len(content) >= 4 and isinstance(content[0], int) and all(type(name) is str for name in content[-2:])
