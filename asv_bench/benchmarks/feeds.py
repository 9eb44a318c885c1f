"""One message decoded and applied: the engine beside the same decoder into a plain dict, and the decoder alone."""

from itertools import repeat

from msgspec import Struct
from msgspec.json import Decoder

from .loops import QUOTE, TRADE, ready


class Trade(Struct):
    s: str
    p: float
    q: float
    T: int


class Quote(Struct):
    s: str
    b: float
    B: float
    a: float
    A: float


class CombinedTrade(Struct):
    data: Trade


class CombinedQuote(Struct):
    data: Quote


DECODE_TRADE = Decoder(CombinedTrade, strict=False).decode
DECODE_QUOTE = Decoder(CombinedQuote, strict=False).decode
TRADES: dict[str, tuple[float, float, int]] = {}
QUOTES: dict[str, tuple[float, float, float, float]] = {}


class BinanceTrade:
    operations = 300

    def time_price_engine(self):
        ready("binance_trade")(self.operations)

    def time_msgspec_and_dict(self):
        decode, store = DECODE_TRADE, TRADES
        for _ in repeat(None, self.operations):
            event = decode(TRADE).data
            store[event.s] = (event.p, event.q, event.T * 1_000_000)

    def time_msgspec_alone(self):
        decode = DECODE_TRADE
        for _ in repeat(None, self.operations):
            decode(TRADE)


class BinanceQuote:
    operations = 300

    def time_price_engine(self):
        ready("binance_quote")(self.operations)

    def time_msgspec_and_dict(self):
        decode, store = DECODE_QUOTE, QUOTES
        for _ in repeat(None, self.operations):
            event = decode(QUOTE).data
            store[event.s] = (event.b, event.a, event.B, event.A)

    def time_msgspec_alone(self):
        decode = DECODE_QUOTE
        for _ in repeat(None, self.operations):
            decode(QUOTE)
