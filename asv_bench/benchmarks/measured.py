"""What every loop is made with: the table that it is entered into, and the engine that it calls."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import pricecore

SYMBOLS = [f"SYM{i}" for i in range(64)]
TIME_NS = 1_700_000_000_000_000_000
Loop = Callable[[int], None]


class Measured(NamedTuple):
    """How a call is measured."""

    make: Callable[[], Loop]
    calls: int
    """Long enough to time; what is counted is the difference to a loop three times as long."""
    rows: int
    """What one call handles: figures are for each."""
    library: str = ""
    """Whose code is a good part of the call: another version of it is another figure."""


LOOPS: dict[str, Measured] = {}


def measured(calls: int = 1_000, rows: int = 1) -> Callable[[Callable[[], Loop]], Callable[[], Loop]]:
    """Enter the function that makes a loop into `LOOPS` under its own name."""

    def enter(make: Callable[[], Loop]) -> Callable[[], Loop]:
        LOOPS[make.__name__] = Measured(make, calls, rows)
        return make

    return enter


SYMBOL = SYMBOLS[7]
"""Passed as this very object. An equal one is compared by bytes, in code that depends on where both lie in memory."""


def engine_with_symbols(name: str | None = None) -> pricecore.PriceEngine:
    named = {} if name is None else {"name": name}  # older versions have no names
    engine = pricecore.PriceEngine(**named, out_of_order="apply")
    engine.register(SYMBOLS)
    for symbol in SYMBOLS:
        engine.update(symbol, 100.0, 1.0, TIME_NS, 0.5)
        engine.update_quote(symbol, 99.5, 100.5, 1.0, 2.0, TIME_NS)
    return engine


def columns(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, prices and volumes of a batch."""
    ids = np.resize(np.arange(len(SYMBOLS), dtype=np.int32), rows)
    return ids, np.linspace(90.0, 110.0, rows), np.linspace(1.0, 2.0, rows)
