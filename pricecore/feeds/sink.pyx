"""Where the prices of one source go: the engine's two calls, the symbol names and the counts."""

import math

cimport cython

from pricecore.feeds.intake cimport Guard
from pricecore.feeds.sequences cimport Series
from pricecore.types cimport NAME_BYTES

from msgspec import MsgspecError

from pricecore.errors import MalformedError

MAX_NAMES = 1 << 17
"""Names kept for one source: twice the engine's default table, so that a flood of garbage symbols costs no memory."""


MALFORMED = (MsgspecError, ValueError, OverflowError, RecursionError)
"""What a decoder raises on bytes that it cannot read."""


class SymbolNames(dict):
    """Maps a source's symbol to the engine's: the same str object every time, which the engine finds fastest."""

    def __init__(self, prefix="", on_new=None):
        super().__init__()
        self._prefix = prefix
        self._on_new = on_new

    def __missing__(self, symbol):
        if not symbol:
            return ""  # prefixed, it would pass for a symbol; the engine counts it as `symbol_empty`
        name = self._prefix + symbol
        if len(self) < MAX_NAMES and len(symbol) <= NAME_BYTES:     # the engine refuses a longer one
            self[symbol] = name
            if self._on_new is not None:
                self._on_new(name)
        return name


@cython.final
@cython.no_gc_clear             # or a decoder that outlives the collector's visit would count in None
cdef class Sink:
    """The receiving end of one source.

    Parameters
    ----------
    engine : object
        Anything with `update` and `update_quote` as `pricecore.PriceEngine` has them.
    label : str
        Put before every symbol of this source as `label:`; empty for none.
    on_new : callable, optional
        Called with the engine's name of each symbol the first time that this source sends it.
    prefix : str, optional
        Put before every symbol as it is, instead of a label.

    Attributes
    ----------
    update, update_quote : callable
        Those of the engine; who calls them counts in `trades` and `quotes`.
    names : SymbolNames
        The engine's name of a symbol of the source.
    trades, quotes : int
        What was handed on.
    series : list of Series
        The numbers that the decoder checks, see `number_series`.

    Threads: one at a time.
    Cost: allocates one str for each new symbol.
    """

    def __cinit__(self, engine, label="", on_new=None, *, prefix=""):
        self.guard = engine if type(engine) is Guard else None
        self.update = engine.update
        self.update_quote = engine.update_quote
        self.names = SymbolNames(f"{label}:" if label else prefix, on_new)
        self.series = []

    cpdef int trade(self, object symbol, object price, object volume=0.0, object timestamp_ns=0,
                    object change_24h=math.nan) except -1:
        """Hand the price of a trade on, under the engine's name of its symbol, and count it.

        Parameters
        ----------
        symbol : str
            As the venue writes it.
        price, volume, timestamp_ns, change_24h
            As `PriceEngine.update` takes them.

        Returns
        -------
        int
            1: a decoder returns how many prices a message held.

        Raises
        ------
        MalformedError
            The symbol is empty.

        Threads: one at a time. Cost: that of the engine's update.
        """
        if not symbol:
            raise MalformedError("a price without a symbol")
        name = self.names[symbol]
        if self.guard is not None:
            self.guard.put_trade(name, price, volume, timestamp_ns, change_24h)
        else:
            self.update(name, price, volume, timestamp_ns, change_24h)
        self.trades += 1
        return 1

    cpdef int quote(self, object symbol, object bid, object ask, object bid_size=0.0, object ask_size=0.0,
                    object timestamp_ns=0) except -1:
        """Hand a best bid and ask on, as `trade` does a price; an absent side is NaN.

        Threads: one at a time. Cost: that of the engine's update.
        """
        if not symbol:
            raise MalformedError("a quote without a symbol")
        name = self.names[symbol]
        if self.guard is not None:
            self.guard.put_quote(name, bid, ask, bid_size, ask_size, timestamp_ns, False)
        else:
            self.update_quote(name, bid, ask, bid_size, ask_size, timestamp_ns)
        self.quotes += 1
        return 1

    def number_series(self, dense=True):
        """Return a new series of venue numbers whose gaps and repeats count for this source; see `Series`.

        Threads: one at a time. Cost: allocates; for a decoder to call once.
        """
        series = Series(dense)
        self.series.append(series)
        return series
