"""Level 5: what engine and view do alike in Python."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from numpy.typing import NDArray

from pricecore.engine import tables

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Readable:
    """Prices as tables, and the end of a `with` block."""

    __slots__ = ()

    snapshot: Callable[[], NDArray]
    symbols: Callable[[], list[str]]
    close: Callable[[], None]

    def to_pandas(self) -> "pd.DataFrame":
        """Return prices and quotes as a pandas DataFrame: one row a symbol, times as UTC datetimes.

        Raises
        ------
        ImportError
            pandas is not installed.

        Threads: any. Cost: copies; imports pandas at the first call.
        """
        return tables.to_pandas(self.snapshot(), self.symbols())

    def to_polars(self) -> "pl.DataFrame":
        """Return prices and quotes as a polars DataFrame: one row a symbol, times as UTC datetimes.

        Raises
        ------
        ImportError
            polars is not installed.

        Threads: any. Cost: copies; imports polars at the first call.
        """
        return tables.to_polars(self.snapshot(), self.symbols())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
