"""A run as one picture: panels of lines over time, a mark for each fault."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from soak.slope import MOST_POINTS

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 40, 26
COLOURS = ("#1f6fb5", "#b5651f", "#3a8f4d", "#8a4fa8", "#8a8a82")
STYLE = "font: 11px ui-sans-serif, system-ui, sans-serif"
WHO = ("service", "reader", "auditor", "dashboard", "watcher")
PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("heap, MiB", tuple(f"{who}.anon_mib" for who in WHO)),
    ("proportional memory, MiB", tuple(f"{who}.pss_mib" for who in WHO)),
    ("descriptors", tuple(f"{who}.fds" for who in WHO)),
    ("threads", tuple(f"{who}.threads" for who in WHO)),
    ("update latency, us", ("service.p50_us", "service.p99_us")),
    ("delivery p99, us", ("service.thread_p99_us", "service.asyncio_p99_us", "reader.p99_us")),
    ("log backlog, records", ("service.log_backlog", "auditor.behind")),
    ("log on the disk, MiB", ("disk.log_mib",)),
    ("lost by subscribers, records", ("service.thread_lost", "service.asyncio_lost", "reader.lost")),
    ("pool in use, fraction", ("service.pool_utilization",)),
)
_FAULT_COLOUR = "#e3b7b7"


def plot(samples: dict[str, list[float]], faults: Sequence[tuple[float, str]]) -> str:
    """Return the SVG file's text."""
    times_s = samples["t_s"]
    drawn = [(title, [name for name in names if name in samples]) for title, names in PANELS]
    drawn = [(title, names) for title, names in drawn if names and times_s]
    rows = math.ceil(len(drawn) / 2) or 1
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT + 20}" style="{STYLE}">',
        f'<rect width="{2 * WIDTH}" height="{rows * HEIGHT + 20}" fill="#ffffff"/>',
    ]
    for i, (title, names) in enumerate(drawn):
        lines.append(f'<g transform="translate({i % 2 * WIDTH} {i // 2 * HEIGHT})">')
        lines += panel(title, times_s, {name: samples[name] for name in names}, faults)
        lines.append("</g>")
    marks = "vertical lines: " + ", ".join(sorted({name for _, name in faults})) if faults else "no faults"
    lines.append(f'<text x="{LEFT}" y="{rows * HEIGHT + 12}" fill="#555">{escape(marks)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def panel(
    title: str, times_s: list[float], curves: dict[str, list[float]], faults: Sequence[tuple[float, str]]
) -> Iterator[str]:
    """Yield one panel; both axes begin at 0."""
    known = [value for values in curves.values() for value in values if not math.isnan(value)]
    top, end_s = _round_up(max(known, default=1.0)), max(times_s[-1], 1e-9, *(t_s for t_s, _ in faults))
    yield f'<text x="{LEFT}" y="16" font-size="13" fill="#111">{escape(title)}</text>'
    for t_s, name in faults:
        x = _x(t_s, end_s)
        mark = f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="{_FAULT_COLOUR}">'
        yield f"{mark}<title>{escape(name)}</title></line>"
    for part in range(5):
        y = _y(top * part / 4, top)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e4e4de"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{top * part / 4:,.6g}</text>'
    for t_s, words in _time_ticks(end_s):
        x = _x(t_s, end_s)
        anchor = "end" if x > WIDTH - RIGHT - 24 else "middle" if t_s else "start"
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="{anchor}" fill="#555">{words}</text>'
    left = LEFT
    for colour, (name, values) in zip(COLOURS, curves.items(), strict=False):
        yield f'<text x="{left}" y="31" fill="{colour}">{escape(name)}</text>'
        left += 12 + 6 * len(name)
        yield from _curve(times_s, values, colour, end_s, top)


def _curve(times_s: list[float], values: list[float], colour: str, end_s: float, top: float) -> Iterator[str]:
    """Yield a line, broken where there is no figure; of many points that of the most in each span."""
    points = [(_x(t_s, end_s), value) for t_s, value in zip(times_s, values, strict=True)]
    for is_missing, run in groupby(points, key=lambda point: math.isnan(point[1])):
        if not is_missing:
            path = " ".join(f"{x:.1f},{_y(value, top):.1f}" for x, value in _thinned(list(run)))
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    size = math.ceil(len(points) / (2 * MOST_POINTS))
    return [max(points[at : at + size], key=lambda point: point[1]) for at in range(0, len(points), size)]


def _time_ticks(end_s: float) -> list[tuple[float, str]]:
    """Return round times from 0 to the end, at most six, with what they are called."""
    unit_s, unit = (3_600.0, "h") if end_s >= 7_200 else (60.0, "min") if end_s >= 120 else (1.0, "s")
    least = end_s / unit_s / 5
    power = 10.0 ** math.floor(math.log10(least))
    step = next(step * power for step in (1, 2, 5, 10) if least <= step * power)
    return [(i * step * unit_s, f"{i * step:g} {unit}") for i in range(math.floor(end_s / unit_s / step + 1e-9) + 1)]


def _x(t_s: float, end_s: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * t_s / end_s


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4, 8, 10, ... from which four even steps are readable."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if value <= step * power)
