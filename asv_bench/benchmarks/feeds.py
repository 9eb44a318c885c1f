"""One message of a venue decoded and applied to the engine, beside decoders alone and into a plain dict."""

import json
from functools import cache

from . import suite
from .loops import MESSAGES, ready
from .messages import TEMPLATES, numbered

STORE: dict[str, tuple] = {}


class Feeds(suite.Suite):
    """Every venue's; the rivals decode and throw away."""

    ours = "feed_{}"
    operations = MESSAGES
    params = tuple(TEMPLATES)
    param_names = ("message",)

    def time_msgspec_untyped(self, name):
        decode = untyped()
        for message in messages(name):
            decode(message)

    def time_json(self, name):
        decode = json.loads
        for message in messages(name):
            decode(message)


class BinanceTrade(suite.Suite):
    """Beside what a program without a feed would do: typed decoding, and its own call of the engine or of a dict."""

    ours = "feed_binance_trade"
    operations = MESSAGES

    def time_msgspec_and_update(self):
        decode = typed()
        for message in messages("binance_trade"):
            decode(message)
        ready("update")(MESSAGES)

    def time_msgspec_and_dict(self):
        decode, store = typed(), STORE
        for message in messages("binance_trade"):
            event = decode(message).data
            store[event.s] = (event.p, event.q, event.T * 1_000_000)


@cache
def messages(name: str) -> list[bytes]:
    return numbered(name, MESSAGES)


@cache
def untyped():
    from msgspec.json import Decoder

    return Decoder().decode


@cache
def typed():
    """Return a decoder that reads the four fields that an update needs, and no other."""
    from msgspec import Struct, defstruct
    from msgspec.json import Decoder

    trade = defstruct("Trade", [("s", str), ("p", float), ("q", float), ("T", int)], gc=False)
    return Decoder(defstruct("Combined", [("data", trade)], bases=(Struct,), gc=False), strict=False).decode
