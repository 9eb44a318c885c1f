"""Coinbase messages: the market data of Coinbase Exchange (Pro until 2022), and those of Advanced Trade.

| message | becomes | time |
| --- | --- | --- |
| type ticker | `update`: price, last_size, change from open_24h | time |
| type match, last_match | `update`: price, size | time |
| channel ticker, ticker_batch | `update`: price, no volume, change price_percent_chg_24_h | timestamp of the envelope |
| channel market_trades | one `update` a trade: price, size | time of the trade |

Numbers checked: trade_id of matches (complete for each product; tickers leave some out, and `sequence` counts orders
too), and sequence_num of Advanced Trade, which is complete over all messages of a connection.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Decoder

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

_MATCHES = ("match", "last_match")
_TICKERS = ("ticker", "ticker_batch")


class _Message(Struct, gc=False):
    """Either shape; the field names are Coinbase's."""

    type: str = ""
    product_id: str = ""
    price: Number = None
    size: Number = None
    last_size: Number = None
    open_24h: Number = None
    time: str = ""
    trade_id: int | None = None
    channel: str = ""
    timestamp: str = ""
    sequence_num: int = -1
    events: Raw = Raw(b"[]")


class _Ticker(Struct, gc=False):
    product_id: str = ""
    price: Number = None
    price_percent_chg_24_h: Number = None


class _Trade(Struct, gc=False):
    product_id: str = ""
    price: Number = None
    size: Number = None
    time: str = ""


class _Event(Struct, gc=False):
    tickers: list[_Ticker] = []
    trades: list[_Trade] = []


def decoder(sink: Sink) -> Callable[[bytes], int]:
    """Return a function that hands the prices of one message on and returns how many there were.

    Threads: one at a time for each sink.
    Cost: about 5 us a message, most of it for the time as text; allocates.
    """
    decode_events = Decoder(list[_Event], strict=False).decode
    trade_ids = sink.number_series()
    message_numbers = sink.number_series()

    def match(message: _Message) -> int:
        if message.trade_id:
            trade_ids.check(message.product_id, message.trade_id)
        time_ns = parse_time_ns(message.time)
        return sink.trade(message.product_id, price_of(message.price), size_of(message.size), time_ns)

    def ticker(message: _Message) -> int:
        price = number(message.price)
        if price is None:
            return 0  # a product that was never traded
        size, change_24h = size_of(message.last_size), percent_change(price, message.open_24h)
        return sink.trade(message.product_id, price, size, parse_time_ns(message.time), change_24h)

    def events(message: _Message) -> int:
        time_ns = parse_time_ns(message.timestamp)

        def advanced_ticker(row: _Ticker) -> int:
            price = number(row.price)
            if price is None:
                return 0
            return sink.trade(row.product_id, price, 0.0, time_ns, percent_of(row.price_percent_chg_24_h))

        def advanced_trade(row: _Trade) -> int:
            return sink.trade(row.product_id, price_of(row.price), size_of(row.size), parse_time_ns(row.time))

        found = decode_events(message.events)
        tickers = hand_on_all((row for event in found for row in event.tickers), advanced_ticker)
        return tickers + hand_on_all((row for event in found for row in event.trades), advanced_trade)

    def hand_on(message: _Message) -> int:
        if message.sequence_num >= 0:
            message_numbers.check("", message.sequence_num)
        if message.channel in _TICKERS or message.channel == "market_trades":
            return events(message)
        if message.type == "ticker":
            return ticker(message)
        return match(message) if message.type in _MATCHES else 0

    return message_decoder(_Message, _carries_price, hand_on)


def recognises(message: bytes) -> bool:
    """Tell whether this message has a shape that only Coinbase uses. Threads: any. Cost: decodes the message."""
    content = content_of(message)
    if not isinstance(content, dict) or "feed" in content:
        return False
    if content.keys() >= {"channel", "sequence_num", "events"}:
        return True
    if isinstance(content.get("product_id"), str) and "type" in content and "symbol" not in content:
        return True
    channels = content.get("channels")
    return isinstance(channels, list) and any(isinstance(row, dict) and "product_ids" in row for row in channels)


def _carries_price(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    return content.get("type") in ("ticker", *_MATCHES) or content.get("channel") in (*_TICKERS, "market_trades")
