"""Exports hold every update, exactly, in columns that others read; what was not given is missing, not zero."""

import csv
import io
import json
import math
import os
import sys
import tracemalloc

import numpy as np
import pytest

from pricecore.dtypes import QUOTE_DTYPE, RECORD_DTYPE
from pricecore.errors import MissingExtraError
from pricecore.eventlog import export_columns
from pricecore.eventlog.export import FORMATS, export
from pricecore.eventlog.export_arrow import arrow, to_arrow
from pricecore.eventlog.export_columns import COLUMNS, ROWS, chunks

NAMES = ["BINANCE:BTCUSDT", 'odd, "name"', "line\nbreak", "ümlaut€"]
T0 = 1_723_161_255_342_000_001
NAN = math.nan
TEXT = ("csv", "ndjson")


def updates(rows: int) -> np.ndarray:
    """Return prices and quotes by turns; every third has no time of its own, every fifth no volume or size."""
    records = np.zeros(rows, RECORD_DTYPE)
    number = np.arange(rows)
    records["sequence"] = number * 2 + 11
    records["symbol_id"] = number % len(NAMES)
    records["kind"] = number % 2
    records["timestamp_ns"] = np.where(number % 3, T0 + number * 1_000_003, 0)
    records["received_ns"] = T0 + number * 7
    records["price"] = 61_000.0 + number / 3
    records["volume"] = np.where(number % 5, 0.1 * number, 0.0)
    records["change_24h"] = np.where(number % 7, -0.25 * number, NAN)
    quotes = records.view(QUOTE_DTYPE)[1::2]
    odd = number[1::2]
    quotes["bid"] = np.where(odd % 9, 61_000.0 - odd / 7, NAN)
    quotes["ask"] = 61_000.0 + odd / 7
    quotes["bid_size"] = np.where(odd % 9, 1.0 + odd, 0.0)
    quotes["ask_size"] = np.where(odd % 5, 1e-9 * odd, 0.0)
    return records


def expected(records: np.ndarray) -> list[dict]:
    """Return the rows as Python has them; times stay numbers, in ns."""
    rows = []
    for record, quote in zip(records, records.view(QUOTE_DTYPE), strict=True):
        row = dict.fromkeys(COLUMNS)
        row |= {"sequence": int(record["sequence"]), "symbol": NAMES[record["symbol_id"]]}
        row |= {"timestamp": int(record["timestamp_ns"]) or None, "received": int(record["received_ns"])}
        row["kind"] = "quote" if record["kind"] else "price"
        for name in ("bid", "ask", "bid_size", "ask_size") if record["kind"] else ("price", "volume", "change_24h"):
            value = float(quote[name] if record["kind"] else record[name])
            missing = math.isnan(value) or (name in ("volume", "bid_size", "ask_size") and value == 0.0)
            row[name] = None if missing else value
        rows.append(row)
    return rows


def ns_of(text: str) -> int:
    assert text.endswith("Z")
    return int(np.datetime64(text[:-1], "ns").astype(np.int64))


def exported(records: np.ndarray, to: str, parts: int = 3, **options) -> bytes:
    out = io.BytesIO()
    export(np.array_split(records, parts), NAMES, out, to, **options)
    return out.getvalue()


def rows_of(data: bytes, to: str) -> list[dict]:
    """Read an export with a reader that is not ours."""
    if to == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        numbers = COLUMNS[5:]
        rows = [row | {name: float(row[name]) if row[name] else None for name in numbers} for row in rows]
        rows = [row | {"sequence": int(row["sequence"])} for row in rows]
    else:
        rows = [json.loads(line) for line in data.decode().splitlines()]
    times = ("timestamp", "received")
    return [row | {name: ns_of(row[name]) if row[name] else None for name in times} for row in rows]


def table_rows(table) -> list[dict]:
    times = {name: table.column(name).cast("int64") for name in ("timestamp", "received")}
    for name, column in times.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table.to_pylist()


@pytest.mark.parametrize("to", TEXT)
@pytest.mark.parametrize("parts", [1, 3, 50])
def test_text_holds_every_update_exactly(to, parts):
    records = updates(200)
    data = exported(records, to, parts)
    rows = rows_of(data, to)
    assert rows == expected(records)
    assert all(tuple(row) == COLUMNS for row in rows)
    assert data.endswith(b"\n")


def test_times_are_utc_with_nine_digits():
    first = json.loads(exported(updates(2), "ndjson").splitlines()[1])
    assert first["timestamp"] == "2024-08-08T23:54:15.343000004Z"
    assert first["received"] == "2024-08-08T23:54:15.342000008Z"


def test_json_holds_no_number_that_json_lacks():
    records = updates(4)
    records["price"][0] = math.inf
    records["change_24h"][2] = -math.inf

    def refuse(text):
        raise AssertionError(text)

    lines = exported(records, "ndjson").splitlines()
    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert (rows[0]["price"], rows[2]["change_24h"]) == (None, None)


def test_parquet_and_arrow_hold_every_update_exactly():
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    records = updates(1_000)
    for data, read in (
        (exported(records, "parquet"), lambda data: parquet.read_table(io.BytesIO(data))),
        (exported(records, "arrow"), lambda data: pa.ipc.open_file(data).read_all()),
    ):
        assert table_rows(read(data)) == expected(records)


def test_a_table_has_the_types_that_are_promised():
    pa = pytest.importorskip("pyarrow")
    schema = to_arrow([updates(10)], NAMES).schema
    assert schema.names == list(COLUMNS)
    assert schema.field("sequence").type == pa.uint64()
    assert schema.field("symbol").type == pa.dictionary(pa.int32(), pa.string())
    assert schema.field("timestamp").type == schema.field("received").type == pa.timestamp("ns", "UTC")
    assert {schema.field(name).type for name in COLUMNS[5:]} == {pa.float64()}
    assert [field.name for field in schema if not field.nullable] == ["sequence", "symbol", "kind", "received"]


def test_a_table_is_what_pandas_and_polars_take():
    pytest.importorskip("pyarrow")
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    records = updates(300)
    table = to_arrow([records], NAMES)
    prices = [row["price"] for row in expected(records)]
    frame = polars.from_arrow(table)
    assert frame["price"].to_list() == prices
    assert frame["symbol"].cast(polars.String).to_list() == [row["symbol"] for row in expected(records)]
    assert str(frame["received"].dtype) == "Datetime(time_unit='ns', time_zone='UTC')"
    frame = table.to_pandas()
    assert [None if pandas.isna(price) else price for price in frame["price"]] == prices
    assert int(frame["received"].iloc[1].value) == T0 + 7


def test_a_parquet_file_is_what_polars_and_duckdb_take(tmp_path):
    pytest.importorskip("pyarrow")
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    path = tmp_path / "ticks.parquet"
    records = updates(300)
    export([records], NAMES, path, "parquet")
    rows = expected(records)
    frame = polars.read_parquet(path)
    assert frame["sequence"].to_list() == [row["sequence"] for row in rows]
    assert frame["received"].cast(polars.Int64).to_list() == [row["received"] for row in rows]
    assert frame["timestamp"].cast(polars.Int64).to_list() == [row["timestamp"] for row in rows]
    with duckdb.connect() as base:
        query = "select sequence, bid from read_parquet(?)"
        assert base.execute(query, [str(path)]).fetchall() == [(row["sequence"], row["bid"]) for row in rows]


def test_a_table_is_what_duckdb_takes():
    pytest.importorskip("pyarrow")
    duckdb = pytest.importorskip("duckdb")
    table = to_arrow([updates(300)], NAMES)
    query = "select kind, count(*), count(bid), max(sequence) from ticks group by kind order by kind"
    with duckdb.connect() as base:
        base.register("ticks", table)
        assert base.execute(query).fetchall() == [("price", 150, 0, 607), ("quote", 150, 133, 609)]


@pytest.mark.parametrize("to", FORMATS)
def test_nothing_to_export_is_a_file_without_rows(to):
    if to not in TEXT:
        pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    data = io.BytesIO()
    assert export([], NAMES, data, to) == (0, 0, 0, len(data.getvalue()))
    if to in TEXT:
        assert rows_of(data.getvalue(), to) == []
    else:
        read = parquet.read_table if to == "parquet" else lambda file: pa.ipc.open_file(file).read_all()
        table = read(io.BytesIO(data.getvalue()))
        assert (table.num_rows, table.schema.names) == (0, list(COLUMNS))


def test_chunks_hold_all_rows_in_order_however_they_come():
    records = updates(3 * ROWS + 17)
    for cuts in ([], [1, 2, 3], [ROWS], [ROWS - 1, 2 * ROWS], [5, 3 * ROWS], list(range(0, 3 * ROWS, 9_999))):
        found = list(chunks(np.split(records, cuts)))
        assert [len(chunk.sequence) for chunk in found] == [ROWS, ROWS, ROWS, 17]
        assert np.array_equal(np.concatenate([chunk.sequence for chunk in found]), records["sequence"])


def test_what_is_no_array_of_records_is_refused():
    with pytest.raises(TypeError, match="arrays of RECORD_DTYPE, not of int64"):
        list(chunks([np.zeros(3, np.int64)]))


@pytest.mark.parametrize("to", FORMATS)
def test_memory_does_not_grow_with_the_length(to, monkeypatch):
    if to not in TEXT:
        pytest.importorskip("pyarrow")
    rows = 1_024
    monkeypatch.setattr(export_columns, "ROWS", rows)
    one = updates(rows)

    class Nowhere(io.RawIOBase):
        def write(self, data):
            return len(data)

    def peak_bytes(blocks: int) -> int:
        tracemalloc.start()
        assert export((one for _ in range(blocks)), NAMES, Nowhere(), to).rows == blocks * rows
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(1)
    assert peak_bytes(20) < 1.5 * peak_bytes(2)


@pytest.mark.parametrize("to", FORMATS)
def test_a_path_appears_whole_and_the_report_says_what_is_in_it(to, tmp_path, monkeypatch):
    if to not in TEXT:
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(export_columns, "ROWS", 400)
    path = tmp_path / "ticks"
    path.write_text("before")
    progress = []
    done = export([updates(1_000)], NAMES, path, to, lambda *figures: progress.append(figures))
    assert done == (1_000, 11, 2_009, path.stat().st_size)
    assert progress == [(400, 809), (800, 1_609), (1_000, 2_009)]
    assert list(tmp_path.iterdir()) == [path]
    assert b"before" not in path.read_bytes()


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_that_fails_leaves_the_path_as_it_was(to, tmp_path):
    if to not in TEXT:
        pytest.importorskip("pyarrow")
    path = tmp_path / "ticks"
    path.write_text("before")

    def failing():
        yield updates(ROWS)
        raise OSError("the log cannot be read")

    with pytest.raises(OSError, match="cannot be read"):
        export(failing(), NAMES, path, to)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_to_a_pipe_that_fails_gets_no_end_that_makes_it_look_whole(to):
    if to not in TEXT:
        pytest.importorskip("pyarrow")
    out = io.BytesIO()
    with pytest.raises(ZeroDivisionError):
        export((updates(ROWS // n) for n in (1, 0)), NAMES, out, to)
    assert not out.getvalue().endswith((b"PAR1", b"ARROW1"))


def test_a_pipe_with_a_name_is_written_to_and_not_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert export([updates(10)], NAMES, path, "csv").rows == 10
        assert rows_of(os.read(reader, 65_536), "csv") == expected(updates(10))
    finally:
        os.close(reader)
    assert path.is_fifo()


def test_an_unknown_format_is_named():
    with pytest.raises(ValueError, match="no format 'xlsx'; there are csv, ndjson, parquet, arrow"):
        export([], NAMES, io.BytesIO(), "xlsx")


@pytest.mark.parametrize("to", ["parquet", "arrow"])
def test_without_pyarrow_the_error_says_what_to_install(to, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    arrow.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match=r'pip install "pricecore\[export\]"'):
            export([updates(3)], NAMES, tmp_path / "ticks", to)
        assert list(tmp_path.iterdir()) == []
        assert export([updates(3)], NAMES, io.BytesIO(), "csv").rows == 3
    finally:
        arrow.cache_clear()
