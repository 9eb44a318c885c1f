"""Commits to the disk, beside write and fdatasync of equal blocks."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from across_processes.report import Row

from pricecore import EventLog

from .records import names, prices

ROWS = 4_096


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    count, rounds = (64, 2) if quick else (256, 5)
    ours, theirs = [], []
    for k in range(rounds):
        ours.append(log_commits(folder / f"log{k}", count))
        theirs.append(plain_commits(folder / f"plain{k}", count))
    records = count * ROWS / 1e6
    yield Row(
        "commits of 4,096 records to the disk", "M/s", records / float(np.median(ours)),
        "write + fdatasync", records / float(np.median(theirs)), 0.7, least=True,
    )  # fmt: skip


def log_commits(path: Path, count: int) -> float:
    """Return the seconds that so many appends took."""
    block = prices(ROWS, 1_001)
    with EventLog.writer(path, durability="disk", rotate_bytes=1 << 40) as log:
        log.append(names())
        begin = time.perf_counter()
        for _ in range(count):
            log.append(block)
            block["sequence"] += ROWS
        return time.perf_counter() - begin


def plain_commits(path: Path, count: int) -> float:
    block = prices(ROWS, 1_001)
    with path.open("wb", buffering=0) as file:
        begin = time.perf_counter()
        for _ in range(count):
            file.write(block)
            os.fdatasync(file.fileno())
            block["sequence"] += ROWS  # as above: the same work beside
        return time.perf_counter() - begin
