"""Curves as one SVG file: panels side by side, both axes logarithmic, every point with its figure."""

import math
from collections.abc import Iterator
from html import escape

Points = dict[int, float]

WIDTH, HEIGHT = 400, 340
LEFT, RIGHT, TOP, BOTTOM = 46, 62, 56, 40
COLOURS = ("#1f6fb5", "#8a8a82", "#b5651f")
MARGIN = 1.2
"""Above and below the costs, for their figures."""
STYLE = "font: 11px ui-sans-serif, system-ui, sans-serif"
MARKS = [factor * 10.0**power for power in range(-3, 10) for factor in (1, 2, 5)]
APART = 30
"""Pixels between two figures of one line; what stands closer is left out."""


class Axis:
    """From values to pixels, by their logarithms, between two of the marks 1, 2, 5, 10, 20, ..."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self.low = max(mark for mark in MARKS if mark <= low)
        self.high = min(mark for mark in MARKS if mark >= high and mark > self.low)
        self.begin, self.end = begin, end

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.begin + share * (self.end - self.begin)

    def marks(self) -> Iterator[tuple[float, str]]:
        """Yield the marks in between, only the powers of ten where those of 2 and 5 would stand too close."""
        powers = self.high / self.low > 100
        for mark in MARKS:
            if self.low <= mark <= self.high and not (powers and math.log10(mark) % 1 > 1e-9):
                yield self.at(mark), f"{mark / 1e6:,g} million" if mark >= 1e6 else f"{mark:,g}"


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def grid(x: Axis, y: Axis) -> Iterator[str]:
    for at, text in x.marks():
        yield f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#e4e4de"/>'
        yield f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" fill="#555">{text}</text>'
    for at, text in y.marks():
        yield f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#e4e4de"/>'
        yield f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end" fill="#555">{text}</text>'


def curve(points: Points, colour: str, above: set[int], x: Axis, y: Axis) -> Iterator[str]:
    """Yield one line, its points, and the figures: over the point for the values in `above`, else under it."""
    places = [(x.at(value), y.at(cost)) for value, cost in points.items()]
    path = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    written = -math.inf
    for (value, cost), (left, top) in zip(points.items(), places, strict=True):
        yield f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3" fill="{colour}"/>'
        if left - written >= APART:
            beside = top - 8 if value in above else top + 17
            yield f'<text x="{left:.1f}" y="{beside:.1f}" text-anchor="middle" fill="{colour}">{figure(cost)}</text>'
            written = left


def upper(points: Points, curves: dict[str, Points]) -> set[int]:
    """Return the values at which no other line is higher."""
    others = [other for other in curves.values() if other is not points]
    return {value for value, cost in points.items() if all(cost >= other.get(value, 0.0) for other in others)}


def panel(title: str, curves: dict[str, Points]) -> Iterator[str]:
    values = [value for points in curves.values() for value in points]
    costs = [cost for points in curves.values() for cost in points.values()]
    x = Axis(min(values), max(values), LEFT, WIDTH - RIGHT)
    y = Axis(min(costs) / MARGIN, max(costs) * MARGIN, HEIGHT - BOTTOM, TOP)
    yield f'<text x="{LEFT}" y="20" font-size="14" fill="#111">{escape(title)}</text>'
    yield from grid(x, y)
    left = LEFT
    for i, (label, points) in enumerate(curves.items()):
        yield f'<text x="{left}" y="38" fill="{COLOURS[i]}">{escape(label)}</text>'
        left += 14 + 7 * len(label)
        yield from curve(points, COLOURS[i], upper(points, curves), x, y)


def curves(panels: dict[str, dict[str, Points]]) -> str:
    """Return the file's text: a panel for each title, in it a line for each label."""
    width = WIDTH * len(panels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" style="{STYLE}">',
        f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for i, (title, drawn) in enumerate(panels.items()):
        lines += [f'<g transform="translate({i * WIDTH} 0)">', *panel(title, drawn), "</g>"]
    return "\n".join([*lines, "</svg>", ""])
