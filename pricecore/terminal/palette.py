"""The colours, all of the 256 that any terminal of today has, so that they are the same over ssh.

On the dark ground every one of them has a contrast of at least 5 to 1. What a colour says is also said in words.
"""

from rich.style import Style

GROUND, BAR, SHEET = "#121212", "#303030", "#262626"

_COLOURS = {
    "text": "#d0d0d0",
    "dim": "#9e9e9e",
    "label": "#afafaf",
    "value": "bold #ffffff",
    "good": "bold #5fd75f",
    "bad": "bold #ff8787",
    "warn": "#ffaf00",
    "stale": "#ffaf00",
    "rule": "#6c6c6c",
    "title": "bold #87afff",
    "head": "underline #afafaf",
    "p50": "#5fd7d7",
    "p95": "#ffd75f",
    "p99": "#ff87d7",
    "brand": "bold #121212 on #87afff",
    "tab": "bold #ffffff on #585858",
    "banner": "bold #ffffff on #870000",
    "key": "bold #ffffff",
}

STYLES = {name: Style.parse(text) for name, text in _COLOURS.items()}


def style_of(name: str) -> Style:
    """Return the style of a span; "bar" behind a name puts it on the ground of the head line.

    Threads: any. Cost: one look into a dict, after the first time.
    """
    found = STYLES.get(name)
    if found is None:
        on_bar = name.removesuffix("bar").strip()
        found = STYLES[name] = STYLES[on_bar or "text"] + Style(bgcolor=BAR)
    return found
