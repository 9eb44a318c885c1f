"""Level 5: a snapshot as a table of pandas or polars. Both are imported on use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pricecore.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

TIMES = ("timestamp_ns", "received_ns", "quote_timestamp_ns", "quote_received_ns")


def columns(snapshot: NDArray, symbols: list[str]) -> dict[str, object]:
    """Return the snapshot's columns with the symbols of its rows first; a time that is missing is NaT."""
    table: dict[str, object] = {"symbol": symbols}
    for name in snapshot.dtype.names or ():
        values = snapshot[name].copy()
        if name in TIMES:
            times = values.astype("datetime64[ns]")
            times[values == 0] = np.datetime64("NaT", "ns")
            table[name.removesuffix("_ns")] = times
        elif name != "symbol_id":
            table[name] = values
    return table


def to_pandas(snapshot: NDArray, symbols: list[str]) -> "pd.DataFrame":
    """Return a pandas DataFrame; times are UTC."""
    frame: pd.DataFrame = _library("pandas").DataFrame(columns(snapshot, symbols))
    for name in TIMES:
        column = name.removesuffix("_ns")
        frame[column] = frame[column].dt.tz_localize("UTC")
    return frame


def to_polars(snapshot: NDArray, symbols: list[str]) -> "pl.DataFrame":
    """Return a polars DataFrame; times are UTC."""
    polars = _library("polars")
    frame: pl.DataFrame = polars.DataFrame(columns(snapshot, symbols), schema_overrides={"symbol": polars.String})
    return frame.with_columns(polars.col(name.removesuffix("_ns")).dt.replace_time_zone("UTC") for name in TIMES)


def _library(name: str) -> Any:
    """Return the module; MissingExtraError when it is not installed. One that is and fails says why itself."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingExtraError(f"to_{name} needs {name}: pip install {name}") from None
