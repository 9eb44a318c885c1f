"""Level 4: updates as columns, each with what is missing in it: what every format of export starts from."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.dtypes import QUOTE_DTYPE, RECORD_DTYPE

ROWS = 65_536
"""Of a chunk: as many as a parquet reader likes in a row group, and some megabytes of memory."""

_QUOTE = 1
_NUMBERS = ("price", "volume", "change_24h", "bid", "ask", "bid_size", "ask_size")
_QUOTED = ("bid", "ask", "bid_size", "ask_size")
_ZERO_IS_MISSING = ("volume", "bid_size", "ask_size")
COLUMNS = ("sequence", "symbol", "kind", "timestamp", "received", *_NUMBERS)
"""In the order of every format."""


class Number(NamedTuple):
    """One column of doubles."""

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]


class Chunk(NamedTuple):
    """Some updates by columns; all of one length.

    Attributes
    ----------
    sequence : numpy.ndarray
        uint64.
    symbol_id : numpy.ndarray
        int32.
    quote : numpy.ndarray
        bool; False: a price.
    timestamp_ns, received_ns : numpy.ndarray
        int64; a timestamp of 0 is missing.
    numbers : dict
        By name, in the order of `COLUMNS`: price, volume and change_24h are missing in quotes, the others in prices;
        so is what is not finite, and a volume or size of 0, which means "not given".
    """

    sequence: NDArray[np.uint64]
    symbol_id: NDArray[np.int32]
    quote: NDArray[np.bool_]
    timestamp_ns: NDArray[np.int64]
    received_ns: NDArray[np.int64]
    numbers: dict[str, Number]


def chunks(updates: Iterable[NDArray[np.void]]) -> Iterator[Chunk]:
    """Yield the updates by columns, `ROWS` at a time however they come.

    Parameters
    ----------
    updates : iterable of numpy.ndarray
        Of RECORD_DTYPE, PRICE and QUOTE records only, of any lengths.

    Threads: that of the iterable. Cost: copies; memory for some `ROWS` rows, whatever the length of all.
    """
    waiting: list[NDArray[np.void]] = []
    rows = 0
    for records in updates:
        waiting.append(records)
        rows += len(records)
        if rows >= ROWS:
            whole = np.concatenate(waiting)
            for at in range(0, rows - rows % ROWS, ROWS):
                yield _chunk(whole[at : at + ROWS])
            waiting = [whole[rows - rows % ROWS :].copy()]
            rows %= ROWS
    if rows:
        yield _chunk(np.concatenate(waiting))


def _chunk(records: NDArray[np.void]) -> Chunk:
    if records.dtype != RECORD_DTYPE:
        raise TypeError(f"updates are arrays of RECORD_DTYPE, not of {records.dtype}")
    quote = records["kind"] == _QUOTE
    quotes = records.view(QUOTE_DTYPE)
    return Chunk(
        records["sequence"],
        records["symbol_id"].astype(np.int32),
        quote,
        records["timestamp_ns"],
        records["received_ns"],
        {
            name: _number(name, quotes[name], ~quote) if name in _QUOTED else _number(name, records[name], quote)
            for name in _NUMBERS
        },
    )


def _number(name: str, values: NDArray[np.float64], other_kind: NDArray[np.bool_]) -> Number:
    missing = other_kind | ~np.isfinite(values)
    if name in _ZERO_IS_MISSING:
        missing |= values == 0.0
    return Number(values, missing)
