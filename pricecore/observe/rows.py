"""Level 6: `price_rows`, the table of prices that page and terminal view show, chosen and sorted by column."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricecore.delivery.filters import has_pattern, symbol_filter
from pricecore.delivery.limits import check_choice
from pricecore.engine.engine_view import EngineView
from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import PricecoreError

SORTS = ("symbol", "age", "change")


def price_rows(
    source: PriceEngine | EngineView,
    pattern: str = "",
    limit: int = 200,
    sort: str = "symbol",
    stale_s: float = 5.0,
    offset: int = 0,
) -> dict[str, Any]:
    """Return the latest prices and quotes of the symbols that match, ready for JSON.

    Parameters
    ----------
    source : PriceEngine or EngineView
    pattern : str
        As in `subscribe`, ``BINANCE:*``; a word without ``*``, ``?``, ``[`` matches anywhere, upper and lower case
        alike. Empty: all symbols.
    limit : int
        The most rows returned, at least 0.
    sort : {"symbol", "age", "change"}
        By name; the oldest first, those that never had a price before them; the largest move in 24 h, up or down,
        first. Equal ones by name.
    stale_s : float
        A symbol whose newest price or quote is older than this is `stale`, and so is one that has none.
    offset : int
        How many of the matching rows are passed over before the first one returned, at least 0.

    Returns
    -------
    dict
        `rows`: a list of dicts with `symbol`, `price`, `bid`, `ask`, `change_24h` (percent), `volume`, `age_s`,
        `time_ns` (when the engine took the newest of price and quote), `stale`; what is missing is None. `shown`,
        `matching` and `total`: how many. All 0 when the source is closed or cannot be read.

    Raises
    ------
    TypeError, ValueError
        A parameter is none of these.

    Threads: any. Cost: copies the prices of all symbols; of 65,536 some milliseconds, of which most are their names.
    """
    if not isinstance(source, PriceEngine | EngineView):
        raise TypeError(f"source must be a PriceEngine or an EngineView, not {source!r}")
    check_choice("sort", sort, SORTS)
    if not isinstance(pattern, str):
        raise TypeError(f"pattern must be a str, not {pattern!r}")
    for name, value in (("limit", limit), ("offset", offset)):
        if value < 0:
            raise ValueError(f"{name} is {value}; it must be 0 or more")
    try:
        prices, names = source._table()
    except PricecoreError:
        return no_rows()
    newest_ns = np.maximum(prices["received_ns"], prices["quote_received_ns"])
    matching = _matching(names, pattern)
    ids = _sorted(matching, names, prices, newest_ns, sort)[offset : offset + limit].tolist()
    now_ns = time.time_ns()
    rows = [_row(names[i], prices[i], int(newest_ns[i]), now_ns, stale_s) for i in ids]
    return {"rows": rows, "shown": len(rows), "matching": len(matching), "total": len(names)}


def no_rows() -> dict[str, Any]:
    """Return what `price_rows` returns of an engine that cannot be read."""
    return {"rows": [], "shown": 0, "matching": 0, "total": 0}


def latest_rows(source: PriceEngine | EngineView, wanted: Callable[[str], bool]) -> list[dict[str, Any]]:
    """Return the rows, as those of `price_rows`, of the symbols of which `wanted` says True, in the order of their ids.

    Threads: any. Cost: copies the prices of all symbols.
    """
    try:
        prices, names = source._table()
    except PricecoreError:
        return []
    newest_ns = np.maximum(prices["received_ns"], prices["quote_received_ns"])
    now_ns = time.time_ns()
    return [_row(name, prices[i], int(newest_ns[i]), now_ns, 0.0) for i, name in enumerate(names) if wanted(name)]


def _matching(names: list[str], pattern: str) -> NDArray[np.intp]:
    """Return the ids of the symbols that match."""
    if not pattern:
        return np.arange(len(names))
    if has_pattern(pattern):
        wanted = symbol_filter(pattern)
        return np.array([i for i, name in enumerate(names) if wanted is None or wanted(name)], np.intp)
    word = pattern.casefold()
    return np.array([i for i, name in enumerate(names) if word in name.casefold()], np.intp)


def _sorted(
    ids: NDArray[np.intp], names: list[str], prices: NDArray[np.void], newest_ns: NDArray[np.int64], sort: str
) -> NDArray[np.intp]:
    """Return the ids in the order asked for; the sort is stable, so equal ones stay in that of their names."""
    by_name = np.array(sorted(ids.tolist(), key=names.__getitem__), np.intp)
    if sort == "age":
        return by_name[np.argsort(newest_ns[by_name], kind="stable")]
    if sort == "change":
        return by_name[np.argsort(-np.abs(prices["change_24h"][by_name]), kind="stable")]  # NaN goes to the end
    return by_name


def _row(symbol: str, price: np.void, newest_ns: int, now_ns: int, stale_s: float) -> dict[str, Any]:
    age_s = max(0, now_ns - newest_ns) / 1e9 if newest_ns else None
    figures = {name: _number(float(price[name])) for name in ("price", "bid", "ask", "change_24h")}
    return {
        "symbol": symbol,
        **figures,
        "volume": float(price["volume"]) if figures["price"] is not None else None,
        "age_s": age_s,
        "stale": age_s is None or age_s > stale_s,
        "time_ns": newest_ns or None,
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
