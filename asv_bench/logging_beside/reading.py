"""A log read to verified arrays and replayed, beside `fromfile`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from across_processes.report import Row

from pricecore import RECORD_DTYPE, EventLog, PriceEngine

from .records import best_s, names, prices

ROWS = 16_384


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    count = 1 << 20 if quick else 1 << 23
    make_log(folder / "log", count)
    prices(count, 1_001).tofile(folder / "plain")
    rounds = 3 if quick else 7
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(best_s(lambda: read_all(folder / "log"), 1))
        theirs.append(best_s(lambda: np.fromfile(folder / "plain", RECORD_DTYPE), 1))
    yield Row(
        "read to verified arrays", "M/s", count / min(ours) / 1e6,
        "numpy fromfile", count / min(theirs) / 1e6, 0.35, least=True,
    )  # fmt: skip
    replayed_s = best_s(lambda: replay_all(folder / "log"), rounds)
    yield Row("replay into an empty engine", "M/s", count / replayed_s / 1e6, limit=15.0, least=True)


def make_log(path: Path, count: int, rotate_bytes: int = 256 << 20) -> None:
    """Write names and so many prices, in blocks of 16,384."""
    with EventLog.writer(path, rotate_bytes=rotate_bytes) as log:
        log.append(names())
        for first in range(0, count, 1 << 20):
            log.append(prices(min(1 << 20, count - first), 1_001 + first))


def read_all(path: Path) -> int:
    with EventLog.open(path) as log:
        return sum(len(records) for records in log)


def replay_all(path: Path) -> None:
    with PriceEngine() as engine, EventLog.open(path) as log:
        log.replay(into=engine)
