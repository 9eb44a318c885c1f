"""Level 4: updates for Arrow and Parquet, and so for pandas, polars and DuckDB. Needs the extra `[export]`."""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

from pricecore.errors import MissingExtraError
from pricecore.eventlog.export_columns import Chunk, Number, chunks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@cache
def arrow() -> ModuleType:
    """Return pyarrow; MissingExtraError when it is not installed."""
    try:
        return import_module("pyarrow")
    except ImportError:
        message = 'parquet and arrow need pyarrow: pip install "pricecore[export]"; csv and ndjson do without'
        raise MissingExtraError(message) from None


class Batches:
    """Turns chunks into record batches of one schema: symbols and kinds as dictionaries, times in UTC."""

    def __init__(self, names: Sequence[str]) -> None:
        self._arrow = pa = arrow()
        self._names = pa.array(list(names), pa.string())
        self._kinds = pa.array(["price", "quote"])
        time, number = pa.timestamp("ns", "UTC"), pa.float64()
        self._time = time
        self.schema = pa.schema(
            [
                pa.field("sequence", pa.uint64(), nullable=False),
                pa.field("symbol", pa.dictionary(pa.int32(), pa.string()), nullable=False),
                pa.field("kind", pa.dictionary(pa.int8(), pa.string()), nullable=False),
                ("timestamp", time),
                pa.field("received", time, nullable=False),
                *((name, number) for name in ("price", "volume", "change_24h", "bid", "ask", "bid_size", "ask_size")),
            ]
        )

    def batch(self, chunk: Chunk) -> Any:
        """Return one chunk as a pyarrow.RecordBatch."""
        pa = self._arrow
        times = pa.array(chunk.timestamp_ns, mask=chunk.timestamp_ns == 0).cast(self._time)
        columns = [
            pa.array(chunk.sequence),
            pa.DictionaryArray.from_arrays(pa.array(chunk.symbol_id), self._names),
            pa.DictionaryArray.from_arrays(pa.array(chunk.quote.view("i1")), self._kinds),
            times,
            pa.array(chunk.received_ns).cast(self._time),
            *(self._number(number) for number in chunk.numbers.values()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _number(self, number: Number) -> Any:
        return self._arrow.array(number.values, mask=number.missing)


class ParquetWriter:
    """Writes row groups, compressed with zstd. Threads: one at a time."""

    def __init__(self, out: IO[bytes], names: Sequence[str]) -> None:
        self._batches = Batches(names)
        parquet = import_module("pyarrow.parquet")
        # Prices in a dictionary take three times as long and more room; numbers that grow are stored as differences.
        self._writer = parquet.ParquetWriter(
            out,
            self._batches.schema,
            compression="zstd",
            use_dictionary=["symbol", "kind"],
            column_encoding=dict.fromkeys(("sequence", "timestamp", "received"), "DELTA_BINARY_PACKED"),
        )

    def write(self, chunk: Chunk) -> None:
        """Append one row group."""
        self._writer.write_batch(self._batches.batch(chunk))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class ArrowWriter:
    """Writes an Arrow IPC file (Feather 2), uncompressed, so that it can be mapped. Threads: one at a time."""

    def __init__(self, out: IO[bytes], names: Sequence[str]) -> None:
        self._batches = Batches(names)
        self._writer = arrow().ipc.new_file(out, self._batches.schema)

    def write(self, chunk: Chunk) -> None:
        """Append one record batch."""
        self._writer.write_batch(self._batches.batch(chunk))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def to_arrow(updates: "Iterable[NDArray[np.void]]", names: Sequence[str]) -> Any:
    """Return the updates as one pyarrow.Table, for pandas, polars and DuckDB.

    Columns: sequence; symbol and kind ("price", "quote") as dictionaries; timestamp (that of the source, null when it
    gave none) and received, in ns UTC; price, volume, change_24h, bid, ask, bid_size, ask_size: null where not given.

    Parameters
    ----------
    updates : iterable of numpy.ndarray
        Of RECORD_DTYPE, PRICE and QUOTE records, as `EventLog.updates` yields them.
    names : sequence of str
        The symbol of each id.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.

    Threads: that of the iterable. Cost: 100 bytes a row.
    """
    maker = Batches(names)
    return arrow().Table.from_batches([maker.batch(chunk) for chunk in chunks(updates)], schema=maker.schema)
