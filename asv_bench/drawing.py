"""Curves as one SVG file: panels side by side, both axes logarithmic, every point with its figure."""

import math
from collections.abc import Iterator
from html import escape

Points = dict[int, float]

WIDTH, HEIGHT = 400, 340
LEFT, RIGHT, TOP, BOTTOM = 46, 62, 56, 40
COLOURS = ("#1f6fb5", "#8a8a82", "#b5651f")
STYLE = "font: 11px ui-sans-serif, system-ui, sans-serif"
POWERS = {0: "1", 1: "10", 2: "100", 3: "1,000", 4: "10,000", 5: "100,000", 6: "1 million"}


class Axis:
    """From values to pixels, by their logarithms; its marks are the powers of ten that it reaches."""

    def __init__(self, values: list[float], begin: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)) + 1e-9)
        self.high = max(self.low + 1, math.ceil(math.log10(max(values)) - 1e-9))
        self.begin, self.end = begin, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def marks(self) -> Iterator[tuple[float, str]]:
        for power in range(self.low, self.high + 1):
            yield self.at(10.0**power), POWERS.get(power, f"1e{power}")


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def grid(x: Axis, y: Axis) -> Iterator[str]:
    for at, text in x.marks():
        yield f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#e4e4de"/>'
        yield f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" fill="#555">{text}</text>'
    for at, text in y.marks():
        yield f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#e4e4de"/>'
        yield f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end" fill="#555">{text}</text>'


def curve(points: Points, colour: str, above: bool, x: Axis, y: Axis) -> Iterator[str]:
    """Yield one line, its points and their figures; the label stands in the panel's head."""
    places = [(x.at(value), y.at(cost), cost) for value, cost in points.items()]
    path = " ".join(f"{left:.1f},{top:.1f}" for left, top, _cost in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for left, top, cost in places:
        yield f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3" fill="{colour}"/>'
        beside = top - 8 if above else top + 17
        yield f'<text x="{left:.1f}" y="{beside:.1f}" text-anchor="middle" fill="{colour}">{figure(cost)}</text>'


def panel(title: str, curves: dict[str, Points]) -> Iterator[str]:
    values = [value for points in curves.values() for value in points]
    costs = [cost for points in curves.values() for cost in points.values()]
    x = Axis([float(value) for value in values], LEFT, WIDTH - RIGHT)
    y = Axis(costs, HEIGHT - BOTTOM, TOP)
    yield f'<text x="{LEFT}" y="20" font-size="14" fill="#111">{escape(title)}</text>'
    yield from grid(x, y)
    left = LEFT
    for i, (label, points) in enumerate(curves.items()):
        yield f'<text x="{left}" y="38" fill="{COLOURS[i]}">{escape(label)}</text>'
        left += 14 + 7 * len(label)
        yield from curve(points, COLOURS[i], i == 0, x, y)


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
