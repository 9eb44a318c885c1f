"""Columns as C reads them: contiguous, aligned, native, and not copied without need."""

import numpy as np
import pytest
from helpers.layouts import variants

from pricecore.prices.arrays import float_column, id_column, name_column, time_column

VALUES = [3, 1, 2, 1]
TIMES = [1_723_075_200_000_000_000 + value for value in VALUES]
READERS = {
    "float": (np.float64, VALUES, lambda array: float_column("prices", array, 4)),
    "time": (np.int64, TIMES, lambda array: time_column("timestamps_ns", array, 4)),
    "id": (np.int32, VALUES, id_column),
}
LAYOUTS = list(variants(VALUES, np.float64))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reader", READERS)
def test_column_of_any_layout_becomes_one_that_c_can_read(reader, layout):
    dtype, values, read = READERS[reader]
    column = read(variants(values, dtype)[layout])
    assert type(column) is np.ndarray
    assert column.dtype == np.dtype(dtype)
    assert column.dtype.isnative
    assert column.flags.c_contiguous
    assert column.flags.aligned
    assert column.tolist() == values


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("layout", ["plain", "read-only", "subclass"])
def test_column_that_c_can_read_already_is_not_copied(reader, layout):
    dtype, values, read = READERS[reader]
    array = variants(values, dtype)[layout]
    assert np.shares_memory(read(array), array)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.int8, np.uint64, np.int64])
def test_numbers_of_every_width_become_doubles(dtype):
    assert float_column("prices", np.array(VALUES, dtype), 4).tolist() == VALUES


def test_empty_column_of_any_type_is_a_column():
    for empty in ([], np.array([], object), np.array([], "U1"), np.array([], bool)):
        assert float_column("prices", empty, 0).dtype == np.float64
        assert time_column("timestamps_ns", empty, 0).dtype == np.int64


@pytest.mark.parametrize("unit", ["D", "h", "m", "s", "ms", "us", "ns"])
def test_datetime64_of_every_unit_becomes_ns(unit):
    column = time_column("timestamps_ns", np.array(["2024-08-08", "1970-01-02"], f"datetime64[{unit}]"), 2)
    assert column.tolist() == [1_723_075_200 * 10**9, 86_400 * 10**9]


@pytest.mark.parametrize("unit", ["D", "s", "us", "ns"])
def test_missing_datetime_becomes_zero(unit):
    assert time_column("t", np.array(["NaT", "NaT"], f"datetime64[{unit}]"), 2).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("date", "unit"),
    [("2262-04-11T23:47:16", "s"), ("1677-09-22", "s"), ("2262-04-11", "D"), ("2000", "Y"), ("2000-02", "M")],
)
def test_dates_up_to_the_ends_of_int64_are_taken(date, unit):
    moment = np.datetime64(date, unit)
    assert time_column("t", np.array([moment]), 1)[0] == int(moment.astype("datetime64[s]").astype(int)) * 10**9


@pytest.mark.parametrize("date", ["2262-04-11T23:47:17", "1677-09-21T00:12:43", "9999-12-31", "-9999-01-01"])
def test_dates_beyond_int64_are_refused_whatever_numpy_does(date):
    with pytest.raises(ValueError, match="t holds a date that does not fit into int64 ns"):
        time_column("t", np.array([date, "NaT"], "datetime64[s]"), 2)


@pytest.mark.parametrize("column", [["A", "B"], ("A",), np.array(["A"]), np.array([1.0]), np.array([True]), [None], []])
def test_column_without_ints_is_no_column_of_ids(column):
    assert id_column(column) is None


def test_names_are_a_list_of_our_own():
    names = ["A", "B"]
    assert name_column(names) == names
    assert name_column(names) is not names
    assert name_column(np.array(names)) == name_column(tuple(names)) == name_column(iter(names)) == names


def test_object_that_lies_about_its_array_raises_its_own_error():
    class Liar:
        def to_numpy(self):
            raise RuntimeError("no array today")

    for read in (lambda c: float_column("prices", c, 1), lambda c: time_column("t", c, 1), id_column):
        with pytest.raises(RuntimeError, match="no array today"):
            read(Liar())
