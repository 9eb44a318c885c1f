"""What a column of a batch may be: every kind and layout of array is read as the numbers in it."""

import array

import numpy as np
import pandas as pd
import pytest
from helpers.layouts import variants
from helpers.stream import PRICE, of_kind, records_of

pa = pytest.importorskip("pyarrow", reason="no pyarrow for this interpreter")
pl = pytest.importorskip("polars", reason="no polars for this interpreter")

TIME = 1_723_075_200_123_456_000
PRICES = [1.5, 2.0, 3.0, 4.25]
WHOLE = [1, 2, 3, 4]
TIMES = [TIME, TIME + 1_000, TIME + 2_000, TIME + 3_000]


FLOAT_COLUMNS = {
    **variants(PRICES, np.float64),
    "list": PRICES,
    "tuple": tuple(PRICES),
    "list of numpy scalars": [np.float64(p) for p in PRICES],
    "float16": np.array(PRICES, np.float16),
    "float32": np.array(PRICES, np.float32),
    "long double": np.array(PRICES, np.longdouble),
    "array.array": array.array("d", PRICES),
    "memoryview": memoryview(array.array("d", PRICES)),
    "pandas": pd.Series(PRICES, index=[3, 1, 2, 0]),
    "pandas Float64": pd.Series(PRICES, dtype="Float64"),
    "pandas pyarrow": pd.Series(PRICES, dtype="double[pyarrow]"),
    "pandas index": pd.Index(PRICES),
    "polars": pl.Series(PRICES),
    "polars float32": pl.Series(PRICES, dtype=pl.Float32),
    "polars in chunks": pl.concat([pl.Series(PRICES[:2]), pl.Series(PRICES[2:])], rechunk=False),
    "arrow": pa.array(PRICES),
    "arrow in chunks": pa.chunked_array([PRICES[:1], PRICES[1:]]),
}
INT_DTYPES = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
INT_COLUMNS = {
    "list": WHOLE,
    **{f"{dtype.__name__} {name}": made for dtype in INT_DTYPES for name, made in variants(WHOLE, dtype).items()
       if name in ("plain", "spaced", "swapped")},
    "pandas": pd.Series(WHOLE),
    "pandas Int64": pd.Series(WHOLE, dtype="Int64"),
    "polars": pl.Series(WHOLE),
}  # fmt: skip


def datetimes(unit):
    return np.array(TIMES, "datetime64[ns]").astype(f"datetime64[{unit}]")


TIME_COLUMNS = {
    **variants(TIMES, np.int64),
    "list": TIMES,
    "tuple": tuple(TIMES),
    "uint64": np.array(TIMES, np.uint64),
    "array.array": array.array("q", TIMES),
    "datetime64[ns]": datetimes("ns"),
    "datetime64[us]": datetimes("us"),
    "datetime64 swapped": datetimes("us").astype(">M8[us]"),
    "datetime64 spaced": np.repeat(datetimes("us"), 2)[::2],
    "list of datetime64": list(datetimes("us")),
    "pandas int": pd.Series(TIMES),
    "pandas": pd.Series(datetimes("ns")),
    "pandas us": pd.Series(datetimes("us")),
    "pandas UTC": pd.Series(datetimes("us")).dt.tz_localize("UTC"),
    "pandas Tokyo": pd.Series(datetimes("ns")).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
    "pandas index UTC": pd.DatetimeIndex(datetimes("ns")).tz_localize("UTC"),
    "polars": pl.Series(datetimes("us")),
    "polars int": pl.Series(TIMES),
    "polars ns": pl.Series(datetimes("ns")),
    "polars New York": pl.Series(datetimes("us")).dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York"),
}


def by_name(columns):
    return pytest.mark.parametrize("column", columns.values(), ids=columns.keys())


def stored(engine, field):
    return of_kind(records_of(engine), PRICE)[field].tolist()


@by_name(FLOAT_COLUMNS)
def test_every_kind_of_float_column_is_taken(engine, column):
    assert engine.update_many(["A"] * 4, column, column, None, column) == 4
    for field in ("price", "volume", "change_24h"):
        assert stored(engine, field) == PRICES
    assert engine.update_quotes(["A"] * 4, column, column, column, column) == 4
    assert engine.quote("A")[1:5] == (4.25,) * 4


@by_name(INT_COLUMNS)
def test_every_kind_of_int_column_is_a_column_of_prices(engine, column):
    assert engine.update_many(["A"] * 4, column) == 4
    assert stored(engine, "price") == WHOLE


@by_name(TIME_COLUMNS)
def test_every_kind_of_time_column_becomes_ns(engine, column):
    assert engine.update_many(["A"] * 4, PRICES, None, column) == 4
    assert stored(engine, "timestamp_ns") == TIMES


@pytest.mark.parametrize(("unit", "ns"), [("D", 86_400 * 10**9), ("h", 3_600 * 10**9), ("s", 10**9), ("ms", 10**6)])
def test_datetimes_of_coarse_units_become_ns(engine, unit, ns):
    engine.update_many(["A"], [1.0], None, datetimes(unit)[:1])
    assert stored(engine, "timestamp_ns") == [TIME // ns * ns]


def test_datetimes_finer_than_ns_are_cut(engine):
    ps = np.array([1_723_075_200_123_456], "datetime64[ps]")  # a time of 1970, but a time
    assert engine.update_many(["A"], [1.0], None, ps) == 0
    assert engine.metrics().errors_by_reason == {"time_unit": 1}


@pytest.mark.parametrize(
    ("kind", "unit"),
    [(kind, unit) for kind in (np.asarray, pd.Series, "UTC") for unit in ("s", "ms", "us", "ns")]
    + [(pl.Series, unit) for unit in ("ms", "us", "ns")],
)
def test_missing_datetime_is_no_time(engine, unit, kind):
    times = np.array(["2024-08-08", "NaT", "2024-08-09"], f"datetime64[{unit}]")
    column = pd.Series(times).dt.tz_localize("UTC") if kind == "UTC" else kind(times)
    assert engine.update_many(["A"] * 3, [1.0, 2.0, 3.0], None, column) == 3
    assert stored(engine, "timestamp_ns")[1] == 0
    assert stored(engine, "timestamp_ns")[0] == 1_723_075_200_000_000_000


def test_date_before_1970_is_a_negative_time(engine):
    engine.update_many(["A"], [1.0], None, np.array(["1969-12-31"], "datetime64[s]"))
    assert engine.metrics().errors_by_reason == {"time_negative": 1}


def test_memory_mapped_file_is_read_like_an_array(engine, tmp_path):
    path = tmp_path / "column"
    np.array(PRICES).tofile(path)
    assert engine.update_many(["A"] * 4, np.memmap(path, np.float64, "r")) == 4
    assert stored(engine, "price") == PRICES


def test_long_double_beyond_a_double_is_a_bad_row(engine):
    assert engine.update_many(["A"], np.array(["1e400"], np.longdouble)) == 0
    assert engine.metrics().errors_by_reason == {"price_not_finite": 1}


def test_polars_nulls_are_bad_rows(engine):
    assert engine.update_many(["A"] * 3, pl.Series([1.0, None, 3.0])) == 2
    assert engine.metrics().errors_by_reason == {"price_not_finite": 1}


def ids_of(engine):
    return engine.register(["A", "B", "C"])[[2, 0, 1, 0]]


@pytest.mark.parametrize("dtype", INT_DTYPES)
@pytest.mark.parametrize("name", variants([0], np.int64).keys())
def test_ids_of_every_int_type_and_layout_are_taken(engine, dtype, name):
    column = variants(ids_of(engine), dtype)[name]
    assert engine.update_many(column, PRICES) == 4
    assert stored(engine, "symbol_id") == [2, 0, 1, 0]


@pytest.mark.parametrize("kind", [list, tuple, pd.Series, pl.Series, pd.Index, pa.array, lambda i: array.array("i", i)])
def test_ids_in_every_kind_of_sequence_are_taken(engine, kind):
    assert engine.update_many(kind(ids_of(engine).tolist()), PRICES) == 4
    assert stored(engine, "symbol_id") == [2, 0, 1, 0]


NAMES = ["C", "A", "B", "A"]
NAME_COLUMNS = {
    "list": NAMES,
    "tuple": tuple(NAMES),
    "generator": None,
    "numpy str": np.array(NAMES),
    "numpy object": np.array(NAMES, object),
    "numpy StringDType": np.array(NAMES, np.dtypes.StringDType()),
    "pandas": pd.Series(NAMES),
    "pandas object": pd.Series(NAMES, dtype=object),
    "pandas category": pd.Series(NAMES, dtype="category"),
    "pandas pyarrow": pd.Series(NAMES, dtype="string[pyarrow]"),
    "pandas index": pd.Index(NAMES),
    "polars": pl.Series(NAMES),
    "polars category": pl.Series(NAMES, dtype=pl.Categorical),
}


@by_name(NAME_COLUMNS)
def test_every_kind_of_column_of_names_is_taken(engine, column):
    assert engine.update_many((n for n in NAMES) if column is None else column, PRICES) == 4
    assert engine.symbols() == ["C", "A", "B"]
    assert {type(symbol) for symbol in engine.symbols()} == {str}
    assert stored(engine, "symbol_id") == [0, 1, 2, 1]
