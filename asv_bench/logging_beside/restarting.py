"""An engine comes back: a snapshot of 50,000 symbols and a million records behind it."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from across_processes.report import Row

from pricecore import LogOptions, PriceEngine

SYMBOLS, RECORDS = 50_000, 1_000_000


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    path = folder / "log"
    last = write(path)
    times = []
    for _ in range(3 if quick else 7):
        begin = time.perf_counter()
        engine = PriceEngine(log=LogOptions(path, snapshot_records=None))
        times.append(time.perf_counter() - begin)
        assert len(engine) == SYMBOLS
        assert engine.metrics().ring.sequence == last
        engine.close()
    yield Row("restart, 50,000 symbols and 1 M records", "s", min(times), limit=0.5)


def write(path: Path) -> int:
    """Write that log; return its last sequence."""
    with PriceEngine(log=LogOptions(path, snapshot_records=None)) as engine:
        ids = engine.register([f"VENUE:SYM{i:05d}" for i in range(SYMBOLS)])
        engine.update_many(ids, np.linspace(1.0, 2.0, SYMBOLS))
        engine.log.snapshot()
        for k in range(RECORDS // SYMBOLS):
            engine.update_many(ids, np.linspace(1.0, 2.0, SYMBOLS) + k)
        return engine.metrics().ring.sequence
