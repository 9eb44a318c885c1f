"""The whole picture but for the line of keys: head, figures, chart beside statistics, prices; for any size."""

import textwrap
from typing import Any

from pricecore.observe.text import format_clock, format_duration
from pricecore.terminal.cards import cards
from pricecore.terminal.cells import fit, harmless, width
from pricecore.terminal.chart import SERIES, chart
from pricecore.terminal.lines import GAP, Line, beside, columns_of, fitted, spread
from pricecore.terminal.price_table import HEAD_ROWS, price_table
from pricecore.terminal.statistics import COLUMNS, ROWS, extras, statistics
from pricecore.terminal.watching import Seen, Watching

LEAST_COLUMNS, LEAST_ROWS = 72, 18
_TALL_CHART = 16
_ROOMY_ROWS = 23
_FEW_PRICES = 2
_BANNER_ROWS = 3
_LEAST_GAP = 3  # between what stands at the left and at the right of the head
_DOT = {True: "●", False: "○"}
_STATUS_STYLES = {"live": "good", "writer gone": "bad", "unreadable": "bad"}


def board(watching: Watching, columns: int, rows: int) -> list[Line]:
    """Return the picture, exactly so many rows of so many columns.

    Threads: as `Watching`. Cost: under a millisecond, and reading the prices.
    """
    if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
        return _too_small(columns, rows)
    top = _spaced(_top(watching, columns), rows)
    middle = _middle(watching.shown, columns, _chart_rows(rows))
    room = rows - len(top) - len(middle)
    notes = _notes(watching.shown.state, columns, room - HEAD_ROWS - _FEW_PRICES)
    notes = _spaced(notes, rows - len(notes) - _FEW_PRICES)
    visible = price_rows_visible(room - len(notes))
    prices = watching.prices(visible)
    table = price_table(prices, watching.first, watching.pattern, columns)
    lines = [fitted(line, columns) for line in (*top, *middle, *notes, *table)]
    return lines[:rows] + [fitted([], columns)] * (rows - len(lines))


def price_rows_visible(room: int) -> int:
    """Return how many prices fit below their head."""
    return max(0, room - HEAD_ROWS)


def _chart_rows(rows: int) -> int:
    """Return the height of the chart: that of the statistics, more where the window is tall."""
    return min(_TALL_CHART, max(ROWS, ROWS + (rows - 28) // 2))


def _too_small(columns: int, rows: int) -> list[Line]:
    said = f"the window is {columns}x{rows}, this needs {LEAST_COLUMNS}x{LEAST_ROWS + 1}"
    lines: list[Line] = [[(" " + said, "warn")], [(" q quits; --once prints the same", "dim")]]
    blank = [fitted([], columns)] * rows
    return [*(fitted(line, columns) for line in lines), *blank][:rows]


def _top(watching: Watching, columns: int) -> list[Line]:
    state = watching.shown.state
    return [_head(watching, columns), *_banner(state, columns), *cards(state, columns)]


def _banner(state: dict[str, Any], columns: int) -> list[Line]:
    """Return why the engine is not live, whole, in as many lines as it takes."""
    if not state["message"]:
        return []
    said = textwrap.wrap(f"{state['status']}: {harmless(state['message'])}", columns - 2)
    return [[(fit(f" {line}", columns), "banner")] for line in said[:_BANNER_ROWS]]


def _spaced(lines: list[Line], rows: int) -> list[Line]:
    """Return the lines with an empty one behind them where the window is not too low for that."""
    return [*lines, []] if rows >= _ROOMY_ROWS else lines


def _head(watching: Watching, columns: int) -> Line:
    right = _right(watching)
    room = columns - columns_of(right)
    left: Line = [(" pricecore ", "brand"), (" ", "bar"), *_tabs(watching, room // 2)]
    state = watching.shown.state
    left.append((f" {state['status']}", _STATUS_STYLES.get(state["status"], "warn") + " bar"))
    up: Line = [(f"   up {format_duration(watching.shown.whole['uptime_s'])}", "bar")]
    if state["alive"] and columns_of(left) + columns_of(up) + _LEAST_GAP <= room:
        left += up
    return [(text, "bar" if style == "text" else style) for text, style in spread(left, right, columns)]


def _right(watching: Watching) -> Line:
    since_ns = watching.shown.counted_since_ns
    line: Line = []
    if since_ns is not None:
        line.append((f"counted since {format_clock(since_ns)}   ", "warn bar"))
    if watching.paused:
        line.append(("PAUSED   ", "warn bar"))
    return [*line, (f"{format_clock(watching.shown.state['time_ns'])} ", "bar")]


def _tabs(watching: Watching, room: int) -> Line:
    """Return the names of all engines, or where they do not fit, that of the one shown and its number."""
    names = [f" {_DOT[seen.live]} {harmless(seen.one.label)} " for seen in watching.engines]
    if sum(map(width, names)) <= room:
        return [(name, "tab" if i == watching.index else "bar") for i, name in enumerate(names)]
    return [(names[watching.index], "tab"), (f" {watching.index + 1} of {len(names)} ", "bar")]


def _middle(seen: Seen, columns: int, rows: int) -> list[Line]:
    left = columns - COLUMNS - len(GAP) - 1
    drawn = chart(seen.history.series(), left, rows)
    figures = statistics(seen.state)
    figures += [[]] * (rows - len(figures))
    head = beside(_chart_title(len(seen.history)), left, [(GAP, "text"), *_statistics_title(seen)])
    return [head, *(beside(line, left, [(GAP, "text"), *figure]) for line, figure in zip(drawn, figures, strict=True))]


def _chart_title(points: int) -> Line:
    legend = [(f" {name[:-3]}", style) for name, style in sorted(SERIES)]
    return [(" latency", "title"), (f"  {points} readings ", "dim"), *legend]


def _statistics_title(seen: Seen) -> Line:
    title: Line = [("statistics", "title")]
    if seen.counted_since_ns is not None:
        title.append(("  times: engine's own window", "dim"))
    return title


def _notes(state: dict[str, Any], columns: int, most: int) -> list[Line]:
    """Return one line for each thing that not every engine has; the last one says how many did not fit."""
    found = extras(state)
    names = max((width(name) for name, _ in found), default=0)
    lines: list[Line] = [
        [(f" {fit(name, names)} ", "label"), (fit(text, max(0, columns - names - 3)), _note_style(name, text))]
        for name, text in found
    ]
    if len(lines) > most > 0:
        lines = [*lines[: most - 1], [(f" and {len(lines) - most + 1} more: d shows all", "dim")]]
    return lines


def _note_style(name: str, text: str) -> str:
    if name == "errors by reason" or (name == "event log" and text.startswith("failed")):
        return "bad"
    return "warn" if name == "lost by readers" else "text"
