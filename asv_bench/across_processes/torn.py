"""Records read from another process while it writes them at full speed: none may be torn, none older than before.

The full form reads a hundred million in a loop of C, the one that tests/sharing/ uses; without it, and in the short
form, Python's own calls read as many as there is time for.
"""

import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

import pricecore

from .neighbours import neighbour
from .report import Row

NAME = "torn"
SYMBOL = "A"
TESTS = Path(__file__).parents[2] / "tests"
ROWS = 4_096
READS = 100_000_000
PYTHON_READS = 300_000


def write(pipe: Connection) -> None:
    """Write records whose figures follow from the first, and rise, until this process is killed."""
    engine = pricecore.PriceEngine(NAME)
    ids = np.full(ROWS, engine.register(SYMBOL), np.int32)
    x = np.arange(1.0, ROWS + 1)
    engine.update(SYMBOL, 0.5, 1.0, 0, 1.5)
    engine.update_quote(SYMBOL, 0.5, 1.0, 1.5, 2.0)
    pipe.send("written")
    while True:
        engine.update_many(ids, x, 2 * x, None, 3 * x)
        engine.update_quotes(ids, x, 2 * x, 3 * x, 4 * x)
        x += ROWS


def read_natively(view: pricecore.EngineView, folder: Path) -> tuple[int, int]:
    """Return (reads, bad ones) of trades, quotes and single prices."""
    sys.path.insert(0, str(TESTS))
    from helpers.native import build_native

    loops = build_native(TESTS / "native" / "mapped.pyx", folder)
    symbol_id, third = view.symbol_id(SYMBOL), READS // 3 + 1
    counts = [loops.read_records(view.segment, symbol_id, kind, third) for kind in (0, 1)]
    counts.append(loops.read_prices(view.segment, symbol_id, third))
    return sum(one[0] for one in counts), sum(sum(one[1:]) for one in counts)


def read_by_calls(view: pricecore.EngineView) -> tuple[int, int]:
    """Return (reads, bad ones), half of them trades and half quotes."""
    bad = last = 0
    for _ in range(PYTHON_READS // 2):
        trade, quote = view.get(SYMBOL), view.quote(SYMBOL)
        bad += (trade.volume, trade.change_24h) != (2 * trade.price, 3 * trade.price)
        bad += quote[2:5] != (2 * quote.bid, 3 * quote.bid, 4 * quote.bid)
        bad += trade.sequence < last
        last = trade.sequence
    return PYTHON_READS, bad


def rows(quick: bool) -> Iterator[Row]:
    native = not quick and (TESTS / "native" / "mapped.pyx").exists()
    with (
        tempfile.TemporaryDirectory() as folder,
        neighbour(write),
        pricecore.attach(NAME) as view,
    ):
        reads, bad = read_natively(view, Path(folder)) if native else read_by_calls(view)
    way = "in C" if native else "by view.get, view.quote"
    yield Row(f"torn of {reads:,} reads {way}", "torn", bad, limit=0, exact=True)
