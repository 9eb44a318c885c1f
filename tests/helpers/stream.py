"""An engine's stream as the tests read it."""

import numpy as np

from pricecore.delivery.ring import RingReader
from pricecore.dtypes import QUOTE_DTYPE

PRICE, QUOTE, SYMBOL, VOID = 0, 1, 2, 255
CROSSED, NO_SOURCE_TIME, ONE_SIDED = 1, 2, 4


def records_of(engine, start=1):
    """Return everything that still stands in the engine's ring, from sequence `start` on."""
    reader = RingReader(engine.segment, start)
    parts = []
    while len(part := reader.read(65_536)):
        parts.append(part)
    return np.concatenate(parts) if parts else reader.read(1)


def of_kind(records, kind):
    """Return the records of one kind; quotes with the names of a quote."""
    chosen = records[records["kind"] == kind]
    return chosen.view(QUOTE_DTYPE) if kind == QUOTE else chosen


def names_in(records):
    """Return the names that SYMBOL records carry, by id."""
    symbols = of_kind(records, SYMBOL)
    payload = np.ascontiguousarray(symbols).view(np.uint8).reshape(-1, 64)[:, 16:]
    return {
        int(record["symbol_id"]): bytes(name[: record["flags"]]).decode()
        for record, name in zip(symbols, payload, strict=True)
    }


def sequence_of(engine):
    """Return the last sequence that the engine gave out."""
    return engine.metrics().ring.sequence
