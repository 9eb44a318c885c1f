"""Percentiles of service latency and of delay from schedule, from the table in `performance.md`."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

from drawings.svg import drawing, line, text

TABLE = Path(__file__).parent.parent / "performance.md"
POINTS = ("p50", "p95", "p99", "p99.9", "max")
Rows = dict[tuple[int, str, str], list[float]]
SHOWN = {
    "nothing": "ink",
    "a busy process": "green",
    "a busy thread": "orange",
    "a busy thread, switch interval 0.1 ms": "purple",
}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, BETWEEN = 1000, 430, 64, 60, 330, 70
LOW, HIGH = -1.3, 6.0
"""Powers of ten, in us."""


def table() -> Rows:
    """Return the five figures in us by (updates a second, beside what, service or delay)."""
    rows: Rows = {}
    rate, beside = 0, ""
    for found in re.finditer(
        r"^\| *([\d,]*) *\| *(.*?) *\| (service|delay) \|(.*)\|$", TABLE.read_text(), re.MULTILINE
    ):
        rate = int(found[1].replace(",", "")) if found[1] else rate
        beside = found[2] or beside
        rows[rate, beside, found[3]] = [float(cell.strip().replace(",", "")) for cell in found[4].split("|")]
    return rows


def y_of(microseconds: float) -> float:
    return BOTTOM - (math.log10(microseconds) - LOW) / (HIGH - LOW) * (BOTTOM - TOP)


def panel(left: float, width: float, rate: int, rows: Rows) -> Iterator[str]:
    places = [left + width * (i + 0.5) / len(POINTS) for i in range(len(POINTS))]
    yield text(left, TOP - 22, f"{rate:,} updates a second", "title")
    for power, name in (
        (-1, "0.1 us"),
        (0, "1 us"),
        (1, "10 us"),
        (2, "100 us"),
        (3, "1 ms"),
        (4, "10 ms"),
        (5, "0.1 s"),
    ):
        yield line(
            [(left, y_of(10.0**power)), (left + width, y_of(10.0**power))],
            "blue" if power == 3 else "line",
            1,
            "4 4" if power == 3 else "",
        )
        yield text(left - 8, y_of(10.0**power) + 4, name, "small blue" if power == 3 else "small faint", "end")
    for x, name in zip(places, POINTS, strict=True):
        yield text(x, BOTTOM + 20, name, "small faint", "middle")
    for beside, colour in SHOWN.items():
        for what, dashes in (("service", "3 3"), ("delay", "")):
            figures = rows[rate, beside, what]
            yield line([(x, y_of(figure)) for x, figure in zip(places, figures, strict=True)], colour, 2, dashes)


def legend() -> Iterator[str]:
    y = BOTTOM + 54
    yield line([(LEFT, y - 4), (LEFT + 30, y - 4)], "faint", 2)
    yield text(LEFT + 38, y, "delay from schedule")
    yield line([(LEFT + 190, y - 4), (LEFT + 220, y - 4)], "faint", 2, "3 3")
    yield text(LEFT + 228, y, "service latency")
    yield line([(LEFT + 350, y - 4), (LEFT + 380, y - 4)], "blue", 1, "4 4")
    yield text(LEFT + 388, y, "target: p95 of service latency below 1 ms")
    x = float(LEFT)
    yield text(x, y + 28, "beside", "faint")
    x += 56
    for beside, colour in SHOWN.items():
        yield text(x, y + 28, beside, f"bold {colour}")
        x += 30 + 7.2 * len(beside)


def picture() -> str:
    rows = table()
    rates = sorted({rate for rate, _, _ in rows})
    width = (WIDTH - LEFT - BETWEEN - 10) / 2
    panels = [part for i, rate in enumerate(rates) for part in panel(LEFT + i * (width + BETWEEN), width, rate, rows)]
    return drawing(WIDTH, HEIGHT, [*panels, *legend()])
