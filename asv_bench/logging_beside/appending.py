"""Ready arrays into a log with checksums, beside `tofile` of the same arrays."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from across_processes.report import Row

from pricecore import EventLog

from .records import best_s, names, prices

ROWS = 16_384


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    count = 1 << 20 if quick else 1 << 22
    ready = prices(count, 1_001)
    parts = np.split(ready, range(ROWS, count, ROWS))
    logs = []

    def with_log() -> None:
        for part in parts:
            logs[-1].append(part)

    def clean_up() -> None:
        """Both begin on a quiet disk: a log that is closed is synced, and its removal is work for the file system."""
        while logs:
            logs.pop().close()
        shutil.rmtree(folder / "log", ignore_errors=True)
        (folder / "plain").unlink(missing_ok=True)
        os.sync()

    def begin() -> None:
        clean_up()
        logs.append(EventLog.writer(folder / "log", rotate_bytes=1 << 40))
        logs[-1].append(names())

    def with_tofile() -> None:
        with (folder / "plain").open("wb") as file:
            for part in parts:
                part.tofile(file)

    ours, theirs = [], []
    for _ in range(3 if quick else 7):
        ours.append(best_s(with_log, 1, begin))
        theirs.append(best_s(with_tofile, 1, clean_up))
    clean_up()
    yield Row(
        "append of ready arrays, with checksums", "M/s", count / min(ours) / 1e6,
        "numpy tofile", count / min(theirs) / 1e6, 0.85, least=True,
    )  # fmt: skip
