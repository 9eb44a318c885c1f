"""Where the prices of one source go: the engine's two calls, the symbol names and the counts."""

cimport cython

from pricecore.feeds.sequences cimport Series

from msgspec import MsgspecError

from pricecore.errors import PricecoreError

MAX_NAMES = 1 << 17
"""Names kept for one source: twice the engine's default table, so that a flood of garbage symbols costs no memory."""


class FormatError(PricecoreError, ValueError):
    """A source is not in the format that it should have; nothing of it was read into the engine."""


class MalformedError(ValueError):
    """A message that should carry a price cannot be read."""


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
        if len(self) < MAX_NAMES:
            self[symbol] = name
            if self._on_new is not None:
                self._on_new(name)
        return name


@cython.final
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
        Those of the engine.
    names : SymbolNames
        The engine's name of a symbol of the source.
    trades, quotes : int
        What the decoder handed on; it counts them itself.
    series : list of Series
        The numbers that the decoder checks, see `number_series`.

    Threads: one at a time.
    Cost: allocates one str for each new symbol.
    """

    def __init__(self, engine, label="", on_new=None, *, prefix=""):
        self.update = engine.update
        self.update_quote = engine.update_quote
        self.names = SymbolNames(f"{label}:" if label else prefix, on_new)
        self.series = []

    def number_series(self, dense=True):
        """Return a new series of venue numbers whose gaps and repeats count for this source; see `Series`."""
        series = Series(dense)
        self.series.append(series)
        return series
