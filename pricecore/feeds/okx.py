"""OKX messages.

| arg.channel | becomes | time |
| --- | --- | --- |
| trades, trades-all | one `update` a trade: px, sz | ts |
| tickers | one `update` an instrument: last, lastSz, change from open24h | ts |

Sizes of futures, swaps and options are in contracts, as OKX gives them.
Numbers checked: tradeId of trades, which is complete for each instrument; a row that stands for `count` trades of one
price carries the id of the last of them.
"""

from collections.abc import Callable
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
    price_of,
    size_of,
)
from pricecore.feeds.sink import Sink

_TRADES = ("trades", "trades-all")
_TICKERS = "tickers"


class _Argument(Struct, gc=False):
    channel: str = ""


class _Message(Struct, gc=False):
    arg: _Argument | None = None
    data: Raw = Raw(b"[]")


class _Trade(Struct, gc=False, rename="camel"):
    inst_id: str = ""
    px: Number = None
    sz: Number = None
    ts: int = 0
    trade_id: int | None = None
    count: int = 1


class _Ticker(Struct, gc=False, rename="camel"):
    inst_id: str = ""
    last: Number = None
    last_sz: Number = None
    open24h: Number = None
    ts: int = 0


def decoder(sink: Sink) -> Callable[[bytes], int]:
    """Return a function that hands the prices of one message on and returns how many there were.

    Threads: one at a time for each sink.
    Cost: about 3 us a message; allocates.
    """
    decode_trades = Decoder(list[_Trade], strict=False).decode
    decode_tickers = Decoder(list[_Ticker], strict=False).decode
    trade_ids = {channel: sink.number_series() for channel in _TRADES}

    def trades(channel: str, rows: list[_Trade]) -> int:
        check = trade_ids[channel].check

        def trade(row: _Trade) -> int:
            if row.trade_id:
                check(row.inst_id, row.trade_id, max(row.count, 1))
            return sink.trade(row.inst_id, price_of(row.px), size_of(row.sz), epoch_ns(row.ts))

        return hand_on_all(rows, trade)

    def ticker(row: _Ticker) -> int:
        price = number(row.last)
        if price is None:
            return 0  # an instrument that was never traded
        change_24h = percent_change(price, row.open24h)
        return sink.trade(row.inst_id, price, size_of(row.last_sz), epoch_ns(row.ts), change_24h)

    def hand_on(message: _Message) -> int:
        channel = "" if message.arg is None else message.arg.channel
        if channel == _TICKERS:
            return hand_on_all(decode_tickers(message.data), ticker)
        return trades(channel, decode_trades(message.data)) if channel in _TRADES else 0

    return message_decoder(_Message, _carries_price, hand_on)


def recognises(message: bytes) -> bool:
    """Tell whether this message has a shape that only OKX uses. Threads: any. Cost: decodes the message."""
    argument = _argument(content_of(message))
    return argument.keys() >= {"channel", "instId"}


def _argument(content: Any) -> dict:
    argument = content.get("arg") if isinstance(content, dict) else None
    return argument if isinstance(argument, dict) else {}


def _carries_price(content: Any) -> bool:
    return _argument(content).get("channel") in (*_TRADES, _TICKERS) and "data" in content
