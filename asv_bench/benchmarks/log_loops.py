"""The calls of an engine with a log: what its log costs an update, and the batches of ready records."""

import atexit
import tempfile
from itertools import repeat
from pathlib import Path

import pricecore

from .measured import SYMBOL, SYMBOLS, TIME_NS, Loop, measured


def engine_with_log() -> pricecore.PriceEngine:
    """Return an engine whose log lies in a folder that goes with this process."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    options = pricecore.LogOptions(Path(folder.name, "log"), snapshot_records=None)
    engine = pricecore.PriceEngine(log=options, out_of_order="apply")
    engine.register(SYMBOLS)
    return engine


@measured()
def update_logged() -> Loop:
    """The log's thread works beside it; what that executes is not counted."""
    call = engine_with_log().update

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL, 100.25, 1.5, TIME_NS, 0.5)

    return loop
