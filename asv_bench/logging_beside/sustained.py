"""Batches on a schedule into a log that the system has: nothing is lost, and the log keeps up."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from across_processes.report import Row, Skipped

from pricecore import LogOptions, PriceEngine
from pricecore.errors import MissingExtraError

ROWS = 10_000


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    seconds = 1.0 if quick else 10.0
    yield from run(folder, 5e6, seconds, compress=False)
    try:
        from pricecore.compression.zstd import zstd

        zstd()
    except MissingExtraError as error:
        raise Skipped(f"sealing to zstd: {error}") from None
    yield from run(folder, 1.5e6, seconds, compress=True)


def run(folder: Path, per_s: float, seconds: float, compress: bool) -> Iterator[Row]:
    path = folder / "log"
    options = LogOptions(path, snapshot_records=None, compress=compress)
    with PriceEngine(log=options) as engine:
        ids = engine.register([f"S{i}" for i in range(1_000)])
        columns = np.resize(ids, ROWS), np.linspace(1.0, 2.0, ROWS)
        taken_s, stored = feed(engine, columns, per_s, seconds)
        found = engine.metrics()
    how = "sealed to zstd" if compress else "durability os"
    name = f"{per_s / 1e6:g} M updates/s for {seconds:g} s, {how}"
    yield Row(f"{name}: until durable", "s", taken_s, "the schedule", seconds, 1.05)
    lost = per_s * seconds - stored + found.log.gap_records + found.errors
    yield Row(f"{name}: lost", "updates", lost, limit=0.0, exact=True)
    shutil.rmtree(path)


def feed(engine: PriceEngine, columns: tuple, per_s: float, seconds: float) -> tuple[float, int]:
    """Return the seconds until all was durable, and how many updates were stored."""
    update, stored = engine.update_many, 0
    begin = time.perf_counter()
    for k in range(int(per_s * seconds / ROWS)):
        stored += update(*columns)
        while time.perf_counter() - begin < (k + 1) * ROWS / per_s:
            pass
    engine.log.wait_durable()
    return time.perf_counter() - begin, stored
