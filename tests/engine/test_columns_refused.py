"""Columns of a batch that are refused by name, before anything is applied or counted."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

pl = pytest.importorskip("polars", reason="no polars for this interpreter")

TIME = 1_723_075_200_123_456_000


def by_name(columns):
    return pytest.mark.parametrize("column", columns.values(), ids=columns.keys())


def assert_untouched(engine):
    m = engine.metrics()
    assert (m.messages_received, m.errors, m.ring.sequence, m.symbols, m.batch_us) == (0, 0, 0, 0, 0.0)


NO_NUMBERS = {
    "str": ["1.5", "2.0"],
    "numpy str": np.array(["1.5", "2.0"]),
    "object": np.array([1.5, 2.0], object),
    "None in it": [1.5, None],
    "str in it": [1.5, "2.0"],
    "Decimal": [Decimal("1.5"), Decimal("2.0")],
    "bool": [True, False],
    "numpy bool": np.array([True, False]),
    "complex": np.array([1j, 2j]),
    "bytes": np.array([b"1", b"2"]),
    "datetime64": np.array(["2024-08-08", "2024-08-09"], "datetime64[s]"),
    "timedelta64": np.array([1, 2], "timedelta64[s]"),
    "structured": np.zeros(2, [("price", "f8")]),
    "huge ints": [10**30, 10**30],
    "pandas object": pd.Series([1.5, 2.0], dtype=object),
    "pandas str": pd.Series(["1.5", "2.0"]),
    "polars str": pl.Series(["1.5", "2.0"]),
    "a str": "12",
    "some bytes": b"12",
}
NO_COLUMNS = {
    "2-d": np.ones((2, 2)),
    "2-d, one column": np.ones((2, 1)),
    "frame": pd.DataFrame({"price": [1.0, 2.0]}),
    "polars frame": pl.DataFrame({"price": [1.0, 2.0]}),
    "a number": 5.0,
    "0-d": np.array(5.0),
    "a set": {1.0, 2.0},
    "a generator": (float(i) for i in range(2)),
    "too short": [1.0],
    "too long": [1.0, 2.0, 3.0],
    "empty": [],
    "masked": np.ma.array([1.0, 2.0], mask=[False, True]),
    "ragged": [[1.0], [1.0, 2.0]],
}


def calls_with(column):
    """Return what every column of floats is called, and a call that has this one in its place."""
    ones = np.ones(2)
    return {
        "prices": lambda e: e.update_many(["A", "B"], column),
        "volumes": lambda e: e.update_many(["A", "B"], ones, column),
        "changes_24h": lambda e: e.update_many(["A", "B"], ones, None, None, column),
        "bids": lambda e: e.update_quotes(["A", "B"], column, ones),
        "asks": lambda e: e.update_quotes(["A", "B"], ones, column),
        "bid_sizes": lambda e: e.update_quotes(["A", "B"], ones, ones, column),
        "ask_sizes": lambda e: e.update_quotes(["A", "B"], ones, ones, None, column),
    }


@by_name(NO_NUMBERS)
def test_column_that_holds_no_numbers_is_a_type_error_that_names_it(engine, column):
    for name, call in calls_with(column).items():
        with pytest.raises(TypeError, match=name):
            call(engine)
    assert_untouched(engine)


@by_name(NO_COLUMNS)
def test_column_of_another_shape_is_a_value_error(engine, column, request):
    for name, call in calls_with(column).items():
        with pytest.raises(ValueError, match=None if "ragged" in request.node.name else name):
            call(engine)
    assert_untouched(engine)


@pytest.mark.parametrize("column", [[1.0], [1.0, 2.0, 3.0], []])
def test_lengths_that_differ_are_both_named(engine, column):
    with pytest.raises(ValueError, match=f"prices has {len(column)} rows, symbols has 2"):
        engine.update_many(["A", "B"], column)


NO_TIMES = {
    "float": [1.7e18, 1.7e18],
    "datetime": [dt.datetime(2024, 8, 8), dt.datetime(2024, 8, 9)],
    "Timestamp": [pd.Timestamp("2024-08-08"), pd.Timestamp("2024-08-09")],
    "str": ["2024-08-08", "2024-08-09"],
    "None in it": [TIME, None],
    "bool": [True, False],
    "timedelta64": np.array([1, 2], "timedelta64[s]"),
    "polars int with a null": pl.Series([TIME, None]),
    "python huge": [2**70, 2**70],
}


@by_name(NO_TIMES)
def test_column_that_holds_no_times_is_a_type_error_that_says_what_to_pass(engine, column):
    with pytest.raises(TypeError, match=r"timestamps_ns must hold ints.*time\.time_ns\(\).*datetime64.*\.value"):
        engine.update_many(["A", "B"], [1.0, 2.0], None, column)
    with pytest.raises(TypeError, match=r"timestamps_ns must hold ints"):
        engine.update_quotes(["A", "B"], [1.0, 2.0], [1.0, 2.0], None, None, column)
    assert_untouched(engine)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (np.array([2**63, 1], np.uint64), "beyond int64"),
        ([TIME], "timestamps_ns has 1 rows, symbols has 2"),
        (np.full((2, 2), TIME), "timestamps_ns has 2 dimensions"),
        (np.ma.array([TIME, TIME], mask=[False, True]), "timestamps_ns has masked entries"),
    ],
)
def test_column_of_times_that_cannot_be_read_is_a_value_error(engine, column, message):
    with pytest.raises(ValueError, match=message):
        engine.update_many(["A", "B"], [1.0, 2.0], None, column)
    assert_untouched(engine)


NO_SYMBOLS = {
    "floats": [0.0, 1.0],
    "numpy floats": np.array([0.0, 1.0]),
    "bools": np.array([True, False]),
    "python bools": [True, False],
    "None in it": ["A", None],
    "None first": [None, "A"],
    "int after str": ["A", 1],
    "str after int": [1, "A"],
    "bytes": [b"A", b"B"],
    "numpy bytes": np.array([b"A", b"B"]),
    "pandas missing": pd.Series(["A", None]),
    "polars null": pl.Series(["A", None]),
    "datetimes": np.array(["2024-08-08", "2024-08-09"], "datetime64[s]"),
    "a str": "AB",
    "some bytes": b"AB",
    "None": None,
    "an int": 5,
    "huge ints": [2**70, 2**70],
}


@by_name(NO_SYMBOLS)
def test_what_is_neither_ids_nor_names_is_a_type_error(engine, column):
    with pytest.raises(TypeError, match="symbols"):
        engine.update_many(column, [1.0, 2.0])
    with pytest.raises(TypeError, match="symbols"):
        engine.update_quotes(column, [1.0, 2.0], [1.0, 2.0])
    assert_untouched(engine)


@pytest.mark.parametrize(
    "column", [np.array([["A"], ["B"]]), np.array([[0], [0]]), [[0], [0]], pd.DataFrame({"A": ["x", "y"]})]
)
def test_symbols_of_two_dimensions_are_a_value_error(engine, column):
    with pytest.raises(ValueError, match="symbols has 2 dimensions"):
        engine.update_many(column, [1.0, 2.0])
    assert_untouched(engine)


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.update_many(["A"], None),
        lambda e: e.update_quotes(["A"], None, [1.0]),
        lambda e: e.update_quotes(["A"], [1.0], None),
    ],
)
def test_column_that_must_be_given_is_asked_for(engine, call):
    with pytest.raises(TypeError, match="not None"):
        call(engine)
    assert_untouched(engine)


def test_masked_ids_are_refused(engine):
    engine.register("A")
    with pytest.raises(ValueError, match="symbols has masked entries"):
        engine.update_many(np.ma.array([0, 0], mask=[True, False]), [1.0, 2.0])


def test_nan_behind_a_masks_fill_is_a_bad_row(engine):
    filled = np.ma.array([1.0, 2.0], mask=[False, True]).filled(math.nan)
    assert engine.update_many(["A", "B"], filled) == 1


@pytest.mark.parametrize("date", ["3000-01-01", "0001-01-01", "2262-04-12", "1677-09-20"])
def test_date_beyond_int64_ns_is_refused_by_name(engine, date):
    with pytest.raises(ValueError, match="timestamps_ns holds a date that does not fit"):
        engine.update_many(["A"], [1.0], None, np.array([date], "datetime64[s]"))
    assert_untouched(engine)
