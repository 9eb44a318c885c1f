"""The floor plan: the rooms of the package by level, and what passes through those on the way of an update."""

import ast
from collections.abc import Iterator
from pathlib import Path

from drawings.svg import arrow, box, drawing, text

ROOT = Path(__file__).parent.parent.parent
WORDS = {
    "types": "words of the domain and their widths",
    "errors": "the error tree",
    "primitives": "atomics, clock, segment, locks, waking",
    "prices": "validation, symbols, slots",
    "metrics": "windows, percentiles, histogram",
    "compression": "zstd, columns, messages",
    "caching": "PriceCache",
    "delivery": "ring, subscriptions",
    "perftest": "the load test",
    "eventlog": "files: writer, reader, replay, snapshots",
    "engine": "update, read, views: knows all rooms below",
    "feeds": "messages of exchanges, captures",
    "observe": "one state for all who watch; Prometheus",
    "dashboard": "the page",
    "terminal": "pricecore top",
    "cli": "the commands",
}
ON_THE_WAY = ("feeds", "engine", "prices", "delivery", "metrics", "eventlog", "primitives")
WIDTH, LEFT, TOP, ROW = 1000, 96, 46, 62


def levels() -> dict[int, list[str]]:
    """Return the rooms of each level, as the test that holds them has it."""
    tree = ast.parse((ROOT / "tests/contract/test_levels.py").read_text())
    table = next(
        node.value for node in tree.body if isinstance(node, ast.Assign) and "LEVELS" in ast.unparse(node.targets[0])
    )
    rooms: dict[int, list[str]] = {}
    for room, level in ast.literal_eval(table).items():
        folder = ROOT / "pricecore" / room
        if folder.is_dir() or room in ("types", "errors"):
            rooms.setdefault(level, []).append(room)
    return rooms


def rows() -> Iterator[str]:
    plan = levels()
    for i, level in enumerate(sorted(plan, reverse=True)):
        y = TOP + i * ROW
        width = (WIDTH - LEFT - 10) / len(plan[level])
        yield text(LEFT - 24, y + 30, str(level), "title faint", "middle")
        for k, room in enumerate(plan[level]):
            fill, edge = ("blue-panel", "blue") if room in ON_THE_WAY else ("panel", "line")
            x = LEFT + k * width
            yield box(x, y, width - 8, ROW - 12, fill, edge)
            yield text(
                x + (width - 8) / 2, y + 21, f"{room}{'/' if room not in ('types', 'errors') else ''}", "bold", "middle"
            )
            yield text(
                x + (width - 8) / 2, y + 39, WORDS[room], "small" if room in ON_THE_WAY else "small faint", "middle"
            )


def picture() -> str:
    bottom = TOP + len(levels()) * ROW
    heads = [
        text(LEFT, 26, "Rooms by level", "title"),
        text(WIDTH - 18, 26, "blue: on the way of an update", "small blue", "end"),
        arrow((28, TOP + 10), (28, bottom - 20)),
        text(28, TOP, "imports", "small faint", "middle"),
    ]
    return drawing(WIDTH, bottom, [*heads, *rows()])
