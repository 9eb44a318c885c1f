"""What msgspec reads of Binance's messages. The compiled decoder takes the fields of `Event` by their order."""

from math import nan

from msgspec import Raw, Struct


class Levels(Struct, array_like=True, gc=False):
    """The price levels of a depth message, which uses b and a too: skipped without building a list."""


class Event(Struct, gc=False):
    """One event of any kind; the field names are Binance's."""

    e: str = ""
    s: str = ""
    p: float | None = None
    q: float = 0.0
    b: float | Levels | None = None
    B: float = 0.0
    a: float | Levels | None = None
    A: float = 0.0
    c: float | None = None
    Q: float = 0.0
    P: float = nan
    T: int = 0
    E: int = 0
    t: int | None = None


class Combined(Struct, gc=False):
    """The envelope of a combined stream as Binance writes it."""

    data: Event


class Bare(Event, gc=False):
    """A bare event, or an envelope with its fields in another order; a tenth slower to decode than `Combined`."""

    data: Event | None = None


class Listed(Struct, gc=False):
    """The envelope of a stream of lists, whose events are decoded one by one: a bad one spoils no other."""

    data: list[Raw]
