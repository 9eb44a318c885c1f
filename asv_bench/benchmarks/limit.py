"""The table of every hot call beside its rivals, as ratios that asv follows from commit to commit.

`limit_figures.py` prints the same with its limits. PRICECORE_REFERENCE names the command that prints the reference
engines' figures; the rows beside them are skipped without it.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # asv knows only the folder of the benchmarks

import judged
import limit_figures

FIGURES = (
    "engine.update, 1,000 symbols",
    "two arguments by keyword",
    "ints in place of floats",
    "engine.price, 1,000 symbols",
    "engine.get",
    "LatencyBuffer.record",
    "AtomicCounter.add",
    "BufferPool: acquire, 100 bytes, release",
    "UpdateQueue: push and pop, 64 at once",
    "PriceCache: Zipf, get, put on a miss",
    "PriceCache.get, a hit",
    "PriceCache.put that evicts",
    "PriceCache: memory, an entry",
    "update_many, 10,000 by name, a row",
    "import pricecore",
    "engine.update",
    "engine.metrics, full window",
    "update_many, 10,000 by id, a row",
    "update_many, 100 by id, a row",
)


def ratios(quick: bool = False) -> dict[str, float]:
    """Measure the table; return ours over the rival's of each row that has a limit."""
    groups = [name for name in limit_figures.FIGURES if "thread" not in name]
    args = argparse.Namespace(quick=quick, reference=os.environ.get("PRICECORE_REFERENCE"))
    rows = judged.measure(limit_figures.FIGURES, groups, args)
    return {row.figure.strip(): row.ours / row.theirs for row in rows if row.limit is not None and row.theirs}


class BesideRivals:
    """Ours over the rival's, of one call."""

    params = FIGURES
    param_names = ("figure",)
    unit = "times the rival"
    timeout = 600

    def setup_cache(self):
        return ratios()

    setup_cache.timeout = 600

    def setup(self, measured, figure):
        if figure not in measured:
            raise NotImplementedError("its rival is not here: see limit_figures.py")

    def track_ratio(self, measured, figure):
        return measured[figure]
