"""A time is looked up in a log of 100 million records."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from across_processes.report import Row

from pricecore import EventLog

from .reading import make_log
from .records import START_NS, STEP_NS

SEEKS = 200


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    count = 4 << 20 if quick else 100_000_000
    make_log(folder / "log", count)
    dice = random.Random(1)
    times = []
    with EventLog.open(folder / "log") as log:
        for _ in range(SEEKS):
            wanted = START_NS + STEP_NS * dice.randrange(2_000, count)
            begin = time.perf_counter()
            found = next(log.updates(start=np.datetime64(wanted, "ns")))
            times.append(time.perf_counter() - begin)
            assert found["received_ns"][0] == wanted - wanted % STEP_NS
    title = f"seek by time in {count / 1e6:,.0f} M records"
    yield Row(f"{title}, median", "ms", float(np.median(times)) * 1e3)
    yield Row(f"{title}, slowest, the first one too", "ms", max(times) * 1e3, limit=10.0)
