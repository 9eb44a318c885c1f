"""Level 5: what engine and view do alike in Python."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from pricecore.delivery.filters import symbol_filter
from pricecore.delivery.limits import check_choice
from pricecore.delivery.subscription import Subscription
from pricecore.engine import tables
from pricecore.engine.subscription_names import check_subscription_name

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Readable:
    """Following the stream, prices as tables, and the end of a `with` block."""

    __slots__ = ()

    _table: Callable[[], tuple[NDArray, list[str]]]
    close: Callable[[], None]
    _subscribe: Callable[[dict[str, Any]], Subscription]

    def subscribe(
        self,
        symbols: str | Iterable[str] | None = None,
        mode: str = "conflate",
        start: int | str = "now",
        on_lag: str = "report",
        name: str | None = None,
    ) -> Subscription:
        """Return a follower of the stream of prices and quotes.

        Parameters
        ----------
        symbols : str, iterable of str, or None
            Names, or patterns such as ``BINANCE:*``; also those of symbols that come later. None: all.
        mode : {"conflate", "all"}
            "conflate": the latest record of each symbol and kind (trade, quote) that has news; whoever is slow gets
            fewer of them, never old ones, and no backlog. "all": every record in its order; whoever falls a whole ring
            behind loses some, and learns how many.
        start : int or "now"
            The first sequence wanted, 1 to the next one: 1 gives what the ring still holds, or with "conflate" the
            latest record of every symbol first.
        on_lag : {"report", "raise"}
            What mode "all" does when records were lost: "report" counts them in `Subscription.stats`, "raise" raises
            LaggedError once and goes on behind them.
        name : str, optional
            What this kind of follower is called in the engine's figures (`metrics`, dashboard, exporters), 1 to 16
            bytes as UTF-8 without "/". Several may have one name, and an engine has figures for 8 names: call them
            by what they are ("page", "risk"), not by whom they serve. Followers by a view are counted by nobody.

        Returns
        -------
        Subscription

        Raises
        ------
        ValueError, TypeError
            A parameter is out of its range.
        EngineClosedError, WrongProcessError
            The engine was closed, or is that of this process's parent: there, ``attach(name).subscribe()``.

        Threads: any. Cost: allocates; the writer does no work for it.
        """
        return self._subscribe(
            {
                "wants": symbol_filter(symbols),
                "conflates": check_choice("mode", mode, ("conflate", "all")) == "conflate",
                "start": start,
                "raises_on_lag": check_choice("on_lag", on_lag, ("report", "raise")) == "raise",
                "name": check_subscription_name(name),
            }
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Return prices and quotes as a pandas DataFrame: one row a symbol, times as UTC datetimes.

        Raises
        ------
        MissingExtraError
            pandas is not installed: ``pip install pandas``.

        Threads: any. Cost: copies; imports pandas at the first call.
        """
        return tables.to_pandas(*self._table())

    def to_polars(self) -> "pl.DataFrame":
        """Return prices and quotes as a polars DataFrame: one row a symbol, times as UTC datetimes.

        Raises
        ------
        MissingExtraError
            polars is not installed: ``pip install polars``.

        Threads: any. Cost: copies; imports polars at the first call.
        """
        return tables.to_polars(*self._table())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
