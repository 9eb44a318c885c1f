"""Records as a log holds them: made by an engine, or by hand."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pricecore.delivery.holding_consumer import HoldingConsumer
from pricecore.dtypes import RECORD_DTYPE
from pricecore.engine.price_engine import PriceEngine

PRICE, QUOTE, SYMBOL, VOID = 0, 1, 2, 255


def _record(sequence: int, symbol_id: int, kind: int, flags: int = 0) -> NDArray[np.void]:
    record = np.zeros(1, RECORD_DTYPE)
    record["sequence"], record["symbol_id"], record["kind"], record["flags"] = sequence, symbol_id, kind, flags
    return record


def name_record(sequence: int, symbol_id: int, name: bytes, length: int | None = None) -> NDArray[np.void]:
    record = _record(sequence, symbol_id, SYMBOL, len(name) if length is None else length)
    record.view(np.uint8)[16 : 16 + len(name)] = np.frombuffer(name, np.uint8)
    return record


def trade(sequence: int, symbol_id: int, price: float, received_ns: int | None = None) -> NDArray[np.void]:
    record = _record(sequence, symbol_id, PRICE, 2)
    record["price"], record["received_ns"] = price, sequence % 2**50 * 1000 if received_ns is None else received_ns
    return record


def quoted(sequence: int, symbol_id: int, bid: float) -> NDArray[np.void]:
    record = _record(sequence, symbol_id, QUOTE, 2)
    record["price"], record["volume"], record["received_ns"] = bid, bid + 1, sequence % 2**50 * 1000
    return record


def void(sequence: int) -> NDArray[np.void]:
    return _record(sequence, 0, VOID)


def stream(*records: NDArray[np.void]) -> NDArray[np.void]:
    return np.concatenate([np.zeros(0, RECORD_DTYPE), *records])


def taken(consumer: HoldingConsumer) -> NDArray[np.void]:
    """Return all that a consumer has not taken yet."""
    parts: list[NDArray[np.void]] = []
    while len(part := consumer.read()):
        parts.append(part.copy())
    return stream(*parts)


def day(engine: PriceEngine, symbols: Sequence[str], updates: int, seed: int = 0) -> NDArray[np.void]:
    """Let the engine have trades and quotes, some out of order, and return all records that came of it."""
    rng = np.random.default_rng(seed)
    with engine.consumer(f"day {seed}") as consumer:
        parts: list[NDArray[np.void]] = []
        for rows in _portions(updates):
            names = rng.choice(symbols, rows).tolist()
            times = 10**18 + rng.integers(0, 1000, rows)
            engine.update_many(names, rng.random(rows) + 1, timestamps_ns=times)
            engine.update_quotes(names, rng.random(rows) + 1, rng.random(rows) + 1)
            parts.append(taken(consumer))
    return stream(*parts)


def _portions(updates: int, most: int = 200) -> Iterable[int]:
    while updates > 0:
        yield min(updates, most)
        updates -= most


def ring_of(engine: PriceEngine) -> list[tuple[int, int]]:
    """Return (sequence, kind) of every cell of the engine's ring, in the order of the sequences."""
    described = engine.segment.describe()
    cells = np.frombuffer(engine.segment.view(), RECORD_DTYPE, described["ring_capacity"], described["ring"])
    return sorted(zip(cells["sequence"].tolist(), cells["kind"].tolist(), strict=True))


def in_pieces(records: NDArray[np.void], size: int) -> Iterable[NDArray[np.void]]:
    """Yield the records in arrays of this size, as blocks."""
    for begin in range(0, len(records), size):
        yield records[begin : begin + size]
