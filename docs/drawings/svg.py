"""What every drawing is made of: text, boxes, arrows, and colours that follow a light or dark page."""

from collections.abc import Iterable
from html import escape

COLOURS = {
    "ink": ("#1c2733", "#e6e9ec"),
    "faint": ("#5b6875", "#9aa6b2"),
    "line": ("#c6ced6", "#454e58"),
    "panel": ("#f2f5f8", "#20262d"),
    "blue": ("#155e9c", "#6cb2f0"),
    "blue-panel": ("#e3eef8", "#1b3148"),
    "orange": ("#a8480f", "#f0a066"),
    "orange-panel": ("#fbeadd", "#43291a"),
    "green": ("#1f7347", "#6fcf97"),
    "green-panel": ("#e2f2e9", "#1a3627"),
    "purple": ("#6d3fa0", "#c39bf0"),
}
"""By name, as on a light page and as on a dark one. Text in ink, blue, orange, green and purple on any panel has a
contrast of 4.5 or more."""
RULES = """\
.pc text { font-family: ui-sans-serif, system-ui, sans-serif; font-size: 14.5px; fill: var(--pc-ink); }
.pc .mono { font-family: ui-monospace, monospace; font-size: 13px; }
.pc .title { font-size: 16px; font-weight: 600; }
.pc .small { font-size: 12.8px; }
.pc .bold { font-weight: 600; }
"""
HUES = [name for name in COLOURS if not name.endswith("panel")]


def variables(dark: bool) -> str:
    return " ".join(f"--pc-{name}: {pair[dark]};" for name, pair in COLOURS.items())


def rules() -> str:
    fills = [f".pc .{name} {{ fill: var(--pc-{name}); stroke: none; }}" for name in COLOURS]
    texts = [f".pc text.{name} {{ fill: var(--pc-{name}); }}" for name in HUES]
    strokes = [f".pc .edge-{name} {{ stroke: var(--pc-{name}); }}" for name in HUES]
    return "\n".join([RULES.strip(), *fills, *texts, *strokes, ".pc .hollow { fill: none; }"])


def page_style() -> str:
    """Return the style sheet for pages that hold drawings, whose theme a reader may choose."""
    dark = variables(dark=True)
    return "\n".join(
        [
            "/* Made by docs/make_pictures.py. */",
            f"body {{ {variables(dark=False)} }}",
            f'body[data-theme="dark"] {{ {dark} }}',
            f'@media (prefers-color-scheme: dark) {{ body:not([data-theme="light"]) {{ {dark} }} }}',
            rules(),
            "",
        ]
    )


def drawing(width: float, height: float, parts: Iterable[str]) -> str:
    """Return the text of a file that holds the parts, and follows the theme of whatever shows it."""
    light, dark = variables(dark=False), variables(dark=True)
    style = f".pc {{ {light} }}\n@media (prefers-color-scheme: dark) {{ .pc {{ {dark} }} }}\n{rules()}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="pc" viewBox="0 0 {width:g} {height:g}">'
    return "\n".join([head, f"<style>\n{style}\n</style>", *parts, "</svg>", ""])


def text(x: float, y: float, words: str, classes: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, fill: str = "panel", edge: str = "line") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"'
    return f'<rect {place} class="{fill} edge-{edge}" style="stroke-width: 1"/>'


def line(points: Iterable[tuple[float, float]], edge: str, width: float = 1.5, dashes: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{path}" class="hollow edge-{edge}" stroke-width="{width:g}" stroke-linejoin="round"'
        f'{f""" stroke-dasharray="{dashes}" """ if dashes else ""}/>'
    )


def arrow(begin: tuple[float, float], end: tuple[float, float], edge: str = "faint") -> str:
    """Return a line that is level or upright, with a head at its end."""
    (x0, y0), (x1, y1) = begin, end
    along = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
    base = x1 - 7 * along[0], y1 - 7 * along[1]
    side = 4 * along[1], 4 * along[0]
    corners = ((x1, y1), (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1]))
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return line([begin, base], edge) + f'<polygon points="{head}" class="{edge}"/>'
