"""The table of prices, with filter and order; at most 200 rows are drawn, however many symbols there are."""

import time
from collections.abc import Callable
from typing import Any

from nicegui import ui

from pricecore.dashboard.elements import Text, box, named
from pricecore.observe import Labelled, text

MAX_ROWS = 200
MAX_PATTERN = 100
_LONGEST_PRICE = 40
_REST = 50
"""After a reading the table rests at least so many times as long as that took: of 65,536 symbols it takes a while."""

_SORTS = {"symbol": "by name", "age": "oldest first", "change": "largest move first"}
_NUMBERS = {"price": "Price", "bid": "Bid", "ask": "Ask", "change": "24 h", "volume": "Volume", "age": "Age"}


def _columns() -> list[dict[str, Any]]:
    """Return the columns; a stale row is told in words by its state, and greyed by a class."""
    marked = "row => row.state === 'fresh' ? 'NAME' : 'NAME stale'"
    names = {"symbol": "Symbol", **_NUMBERS, "state": "State"}
    return [
        {
            "name": name,
            "label": label,
            "field": name,
            "align": "right" if name in _NUMBERS else "left",
            "headerClasses": f"col-{name}",
            ":classes": marked.replace("NAME", f"col-{name}"),
        }
        for name, label in names.items()
    ]


class PriceTable:
    """The newest prices of one engine, as one visitor has filtered them.

    Threads: one at a time. Cost: that of `price_rows`, at most 2 % of the time unless asked for.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._rest_until_s = 0.0
        with box("section", "panel prices-panel") as root:
            root.props('aria-label="Prices"')
            with box("div", "panel-head"):
                Text("Prices", "h2")
                self._note = Text("", classes="note").mark("prices-note")
                with box("div", "controls"):
                    self._filter = _filter(on_change)
                    self._sort = ui.select(_SORTS, value="symbol", on_change=on_change).mark("sort")
                    named(self._sort.props("outlined dense options-dense"), "Order of the prices")
            self._table = ui.table(columns=_columns(), rows=[], row_key="symbol", pagination=0).mark("prices")
            self._table.props('flat dense hide-pagination separator="horizontal" no-data-label="No prices yet"')

    def show(self, one: Labelled, at_once: bool = False) -> None:
        """Read the prices and show them; `at_once` also while the table rests."""
        started_s = time.monotonic()
        if not at_once and started_s < self._rest_until_s:
            return
        found = one.prices(self._filter.value or "", MAX_ROWS, self._sort.value)
        self._table.rows = [shown(row) for row in found["rows"]]
        self._note.text = _note(found, bool(self._filter.value))
        self._rest_until_s = time.monotonic() + _REST * (time.monotonic() - started_s)


def _filter(on_change: Callable[[], None]) -> ui.input:
    field = ui.input(placeholder="Filter: btc or BINANCE:*", on_change=on_change).mark("filter")
    field.props(f'outlined dense debounce=250 maxlength={MAX_PATTERN} type="search" spellcheck="false"')
    named(field, "Filter of the prices")
    return field


def _note(found: dict[str, Any], filtered: bool) -> str:
    total, matching, drawn = found["total"], found["matching"], found["shown"]
    if not total:
        return "none yet"
    if drawn < matching:
        return f"{drawn:,} shown of {matching:,}; a filter shows others"
    return f"{matching:,} of {total:,}" if filtered else f"{total:,} symbol{'s' * (total != 1)}"


def shown(row: dict[str, Any]) -> dict[str, str]:
    """Return a row of `price_rows` as the table writes it; the prices of a symbol have the same decimals."""
    names = ("price", "bid", "ask")
    return {
        "symbol": row["symbol"],
        **dict(zip(names, text.price_texts(*map(row.get, names), columns=_LONGEST_PRICE), strict=True)),
        "change": text.format_change(row["change_24h"]),
        "volume": text.format_volume(row["volume"]),
        "age": text.format_age(row["age_s"]),
        "state": "stale" if row["stale"] else "fresh",
    }
