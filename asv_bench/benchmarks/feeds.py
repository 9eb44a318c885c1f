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


class BinanceTrade:
    operations = 300
    decode = Decoder(CombinedTrade, strict=False).decode
    store: dict[str, tuple[float, float, int]] = {}

    def time_price_engine(self):
        ready("binance_trade")(self.operations)

    def time_msgspec_and_dict(self):
        decode, store = self.decode, self.store
        for _ in repeat(None, self.operations):
            event = decode(TRADE).data
            store[event.s] = (event.p, event.q, event.T * 1_000_000)

    def time_msgspec_alone(self):
        decode = self.decode
        for _ in repeat(None, self.operations):
            decode(TRADE)


class BinanceQuote:
    operations = 300
    decode = Decoder(CombinedQuote, strict=False).decode
    store: dict[str, tuple[float, float, float, float]] = {}

    def time_price_engine(self):
        ready("binance_quote")(self.operations)

    def time_msgspec_and_dict(self):
        decode, store = self.decode, self.store
        for _ in repeat(None, self.operations):
            event = decode(QUOTE).data
            store[event.s] = (event.b, event.a, event.B, event.A)

    def time_msgspec_alone(self):
        decode = self.decode
        for _ in repeat(None, self.operations):
            decode(QUOTE)
