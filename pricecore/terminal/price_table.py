"""The table of prices: only the rows that are visible are made."""

from typing import Any

from pricecore.observe.text import format_age, format_change, format_count, format_volume, price_texts
from pricecore.terminal.cells import fit, harmless
from pricecore.terminal.lines import Line, fitted

HEAD_ROWS = 2
_PRICE, _CHANGE, _AGE, _STALE = 12, 8, 7, 5
_MARGIN = 1
_LONGEST_SYMBOL = 50
_WIDE = 100  # columns from which on there is room for the volume


def price_table(prices: dict[str, Any], first: int, pattern: str, columns: int) -> list[Line]:
    """Return head and rows of the table.

    Parameters
    ----------
    prices : dict
        As `price_rows` returns it.
    first : int
        How many matching rows stand above the first one.
    pattern : str
        What they were chosen by.
    columns : int
        Width of the table.

    Threads: any. Cost: microseconds a row.
    """
    layout = _layout(columns)
    head = [_aligned(name, size, right) for name, size, right in layout]
    body = [_row(row, layout) for row in prices["rows"]]
    return [fitted(_title(prices, first, pattern), columns), [(" " + " ".join(head), "head")], *body]


def _layout(columns: int) -> list[tuple[str, int, bool]]:
    """Return name, width and side of each column."""
    right = [("price", _PRICE), ("bid", _PRICE), ("ask", _PRICE)]
    if columns >= _WIDE:
        right.append(("volume", _PRICE))
    right += [("24 h", _CHANGE), ("age", _AGE)]
    used = sum(size + 1 for _, size in right) + _STALE + 1 + 2 * _MARGIN
    symbol = min(_LONGEST_SYMBOL, columns - used)
    return [("symbol", symbol, False), *((name, size, True) for name, size in right), ("", _STALE, False)]


def _aligned(text: str, size: int, right: bool) -> str:
    return fit(text, size, right=right)


def _title(prices: dict[str, Any], first: int, pattern: str) -> Line:
    shown, matching, total = (format_count(prices[name]) for name in ("shown", "matching", "total"))
    line: Line = [(" prices ", "title")]
    if pattern:
        line += [(f" {matching} of {total} match ", "dim"), (harmless(pattern), "value")]
        if not prices["matching"]:
            line.append(("   esc in the filter shows all", "dim"))
    elif not prices["total"]:
        line.append((" none", "dim"))
    if prices["matching"] > prices["shown"]:
        line.append((f"  rows {first + 1:,} to {first + prices['shown']:,} of {matching}", "dim"))
    elif prices["matching"] and not pattern:
        line.append((f" {shown}", "dim"))
    return line


def _row(row: dict[str, Any], layout: list[tuple[str, int, bool]]) -> Line:
    texts = _texts(row)
    cells = [_aligned(texts[name], size, right) for name, size, right in layout]
    *figures, age, stale = cells
    style = "stale" if row["stale"] else "text"
    return [(" " + " ".join(figures) + " ", "dim" if row["stale"] else "text"), (f"{age} {stale}", style)]


def _texts(row: dict[str, Any]) -> dict[str, str]:
    """Return the text of every column by its name."""
    price, bid, ask = price_texts(row["price"], row["bid"], row["ask"], columns=_PRICE)
    return {
        "symbol": harmless(row["symbol"]),
        "price": price,
        "bid": bid,
        "ask": ask,
        "volume": format_volume(row["volume"], columns=_PRICE),
        "24 h": _change(row["change_24h"]),
        "age": format_age(row["age_s"]),
        "": "stale" if row["stale"] else "",
    }


def _change(percent: float | None) -> str:
    text = format_change(percent)
    return text if percent is None or len(text) <= _CHANGE else f"{percent:+.0e}%"
