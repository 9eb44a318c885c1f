"""What a reader gets: one trade price or one quote of a symbol."""

from typing import NamedTuple


class PriceUpdate(NamedTuple):
    """The latest price of a symbol, as it was applied.

    Attributes
    ----------
    symbol : str
    price : float
    volume : float
        Size of the trade; 0.0: not given.
    timestamp_ns : int
        The source's time, ns since the Unix epoch; 0: it gave none.
    change_24h : float
        Percent; NaN: not given.
    received_ns : int
        When the engine took it, ns since the Unix epoch.
    sequence : int
        Its place in the engine's stream, from 1.
    """

    symbol: str
    price: float
    volume: float
    timestamp_ns: int
    change_24h: float
    received_ns: int
    sequence: int


class Quote(NamedTuple):
    """The latest best bid and ask of a symbol. An absent side is NaN with size 0.

    Attributes
    ----------
    symbol : str
    bid, ask : float
    bid_size, ask_size : float
    timestamp_ns : int
        The source's time, ns since the Unix epoch; 0: it gave none.
    received_ns : int
        When the engine took it, ns since the Unix epoch.
    sequence : int
        Its place in the engine's stream, from 1.
    """

    symbol: str
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    timestamp_ns: int
    received_ns: int
    sequence: int
