"""The same figures as plain text: for scripts (`pricecore top --once`), and for the sheet of details."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from pricecore.observe.figures import statistics
from pricecore.observe.state import WITH_FIGURES
from pricecore.observe.text import format_limit, format_percent, format_rate, format_us
from pricecore.terminal.cells import harmless, width
from pricecore.terminal.lines import as_text
from pricecore.terminal.price_table import price_table
from pricecore.terminal.statistics import Figure

PRICES = 30
"""The most prices that `--once` prints."""

_COLUMNS = 100
_NAMES = 15


def plain_state(state: dict[str, Any], prices: dict[str, Any], pattern: str) -> str:
    """Return what `--once` prints of one engine: head, figures, prices.

    Threads: any. Cost: microseconds a row.
    """
    lines = [head(state), ""]
    if state["status"] in WITH_FIGURES:
        lines += [*details(state), "", as_text(price_table(prices, 0, pattern, _COLUMNS))]
    return "\n".join(lines).rstrip()


def head(state: dict[str, Any]) -> str:
    """Return name, status and time in one line, and why the status is not "live"."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state["time_ns"] / 1e9))
    name, message = harmless(state["name"] or "engine"), harmless(state["message"])
    return f"{name}: {state['status']}, {moment}" + (f"\n{message}" if message else "")


def details(state: dict[str, Any]) -> list[str]:
    """Return all figures, a line each, by group."""
    lines = _lines(_head_figures(state))
    for group, figures in statistics(state).items():
        lines += ["", harmless(group), *_lines(figures.items())]
    return lines


def _lines(figures: Iterable[Figure]) -> list[str]:
    shown = [(harmless(name), harmless(text)) for name, text in figures]
    names = max(_NAMES, *(width(name) for name, _ in shown))
    return [f"  {name}{' ' * (names - width(name))}  {text}" for name, text in shown]


def _head_figures(state: dict[str, Any]) -> Iterator[Figure]:
    latency = state["latency"]
    if latency["sample_count"]:
        yield "latency", "   ".join(f"{name} {format_us(latency[f'{name}_us'])}" for name in ("p50", "p95", "p99"))
        met = "target met" if state["target_met"] else "TARGET MISSED"
        yield "target", f"{met}: p95 below {format_limit(state['target_p95_us'])}"
    else:
        yield "latency", "no update yet"
    yield "throughput", format_rate(state["throughput_per_s"])
    yield "error rate", format_percent(state["error_rate"])
