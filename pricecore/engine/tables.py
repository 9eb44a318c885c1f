"""Level 5: a snapshot as a table of pandas or polars. Both are imported on use."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
    import pandas as pd

    frame = pd.DataFrame(columns(snapshot, symbols))
    for name in TIMES:
        column = name.removesuffix("_ns")
        frame[column] = frame[column].dt.tz_localize("UTC")
    return frame


def to_polars(snapshot: NDArray, symbols: list[str]) -> "pl.DataFrame":
    """Return a polars DataFrame; times are UTC."""
    import polars as pl

    frame = pl.DataFrame(columns(snapshot, symbols), schema_overrides={"symbol": pl.String})
    return frame.with_columns(pl.col(name.removesuffix("_ns")).dt.replace_time_zone("UTC") for name in TIMES)
