"""Turns the columns that a caller has into the arrays that a batch reads: float64, int64, int32, one-dimensional."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pricecore.errors import UnknownSymbolError

_NUMBERS = "iuf"


def _as_array(name: str, column: object) -> NDArray:
    """Return a one-dimensional array of anything array-like; TypeError and ValueError name the column."""
    if isinstance(column, str | bytes):
        raise TypeError(f"{name} must be a sequence of numbers, not {type(column).__name__} {column!r}")
    _check_unmasked(name, column)
    to_numpy = getattr(column, "to_numpy", None)
    array = np.asarray(to_numpy() if to_numpy is not None else column)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions; a batch takes one-dimensional columns")
    return array


def _check_unmasked(name: str, column: object) -> None:
    """Refuse a masked array with masked entries: what stands behind a mask is no price."""
    if isinstance(column, np.ma.MaskedArray) and np.ma.is_masked(column):
        raise ValueError(f"{name} has masked entries; fill them, for instance with .filled(float('nan'))")


def _ready(array: NDArray, dtype: type) -> NDArray:
    """Return the array as C reads it: contiguous, aligned, native; what does not fit into a float becomes infinite."""
    with np.errstate(over="ignore"):
        return np.require(np.asarray(array), dtype, ["C_CONTIGUOUS", "ALIGNED"])


def _check_length(name: str, array: NDArray, rows: int) -> None:
    if len(array) != rows:
        raise ValueError(f"{name} has {len(array)} rows, symbols has {rows}; the columns of a batch are equally long")


def float_column(name: str, column: ArrayLike, rows: int) -> NDArray[np.float64]:
    """Return a column of numbers as contiguous float64, copied only when it is not that already."""
    array = _as_array(name, column)
    if array.dtype.kind not in _NUMBERS and array.size:
        raise TypeError(f"{name} must hold numbers, not {array.dtype}; convert it with .astype(float) after a look")
    _check_length(name, array, rows)
    return _ready(array, np.float64)


def time_column(name: str, column: ArrayLike, rows: int) -> NDArray[np.int64]:
    """Return a column of times as contiguous int64 ns; datetime64 of any unit is converted, NaT becomes 0."""
    if getattr(getattr(column, "dtype", None), "tz", None) is not None and hasattr(column, "to_numpy"):
        column = column.to_numpy("datetime64[ns]")  # pandas with a time zone: the same moments, as UTC
    array = _as_array(name, column)
    if array.dtype.kind == "M":
        array = _nanoseconds(name, array)
    elif array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} holds {array.max()}, which is beyond int64")
    elif array.dtype.kind not in "iu" and array.size:
        raise TypeError(
            f"{name} must hold ints (ns since the Unix epoch, as time.time_ns() gives) or datetime64, "
            f"not {array.dtype}; a pandas Timestamp has its ns as .value"
        )
    _check_length(name, array, rows)
    return _ready(array, np.int64)


def _nanoseconds(name: str, array: NDArray) -> NDArray[np.int64]:
    """Return datetime64 as int64 ns; a date outside of 1678 to 2262 has none and is named."""
    missing = np.isnat(array)
    try:
        out = array.astype("datetime64[ns]")
        fits = np.array_equal(out[~missing].astype("datetime64[s]"), array[~missing].astype("datetime64[s]"))
    except OverflowError:  # NumPy 2.3 and later; before, it wraps around
        fits = False
    if not fits:
        raise ValueError(f"{name} holds a date that does not fit into int64 ns (1678 to 2262)")
    return np.where(missing, 0, out.astype(np.int64))


def id_column(column: object) -> NDArray[np.int32] | None:
    """Return a column of symbol ids as contiguous int32, or None when it holds no ints (str, then)."""
    array = column if isinstance(column, np.ndarray) else None
    if array is None and hasattr(column, "to_numpy"):
        array = column.to_numpy()
    if array is None and isinstance(column, Sequence) and not isinstance(column, str | bytes):
        array = np.asarray(column) if len(column) and not isinstance(column[0], str) else None
    if array is None:
        return None
    if array.ndim != 1:
        raise ValueError(f"symbols has {array.ndim} dimensions; a batch takes one-dimensional columns")
    if array.dtype.kind not in "iu":
        return None
    _check_unmasked("symbols", column)
    if array.size and (array.min() < -(2**31) or array.max() >= 2**31):
        worst = array.min() if array.min() < -(2**31) else array.max()
        raise UnknownSymbolError(f"no symbol has the id {worst}: it is beyond int32; nothing of the batch was applied")
    return _ready(array, np.int32)


def name_column(column: Any) -> list:
    """Return a column of symbol names as a list of our own; its items are not checked."""
    if isinstance(column, str | bytes):
        raise TypeError(f"symbols must be a sequence of str, not {type(column).__name__} {column!r}; use a list of str")
    if type(column) is list:
        return column.copy()
    to_list = getattr(column, "tolist", None) or getattr(column, "to_list", None)
    if to_list is None and not isinstance(column, Iterable):
        raise TypeError(f"symbols must be ids or a sequence of str, not {type(column).__name__} {column!r}")
    return list(to_list() if to_list is not None else column)
