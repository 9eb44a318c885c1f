"""Ready records for the log's figures."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pricecore import RECORD_DTYPE

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100
SYMBOLS = 1_000


def names(count: int = SYMBOLS) -> NDArray[np.void]:
    """Return the SYMBOL records of so many symbols, sequences from 1."""
    records = np.zeros(count, RECORD_DTYPE)
    records["sequence"], records["symbol_id"] = np.arange(1, count + 1), np.arange(count)
    records["kind"], records["flags"] = 2, 8
    raw = records.view(np.uint8).reshape(count, 64)
    raw[:, 16:24] = np.array([list(f"SYM{i:05d}".encode()) for i in range(count)], np.uint8)
    return records


def prices(count: int, first_sequence: int, symbols: int = SYMBOLS) -> NDArray[np.void]:
    """Return PRICE records that walk around, one every 100 ns."""
    records = np.zeros(count, RECORD_DTYPE)
    sequences = np.arange(first_sequence, first_sequence + count)
    records["sequence"], records["symbol_id"] = sequences, sequences % symbols
    records["received_ns"] = records["timestamp_ns"] = START_NS + STEP_NS * sequences
    records["price"], records["volume"] = 100.0 + np.sin(sequences / 1e4), 1.5
    records["change_24h"] = np.nan
    return records


def best_s(call: Callable[[], object], rounds: int, before: Callable[[], object] | None = None) -> float:
    """Return the shortest time that the call took."""
    times = []
    for _ in range(rounds):
        if before is not None:
            before()
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)
