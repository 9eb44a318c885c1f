"""What each technique is worth, from the tables in `techniques.md`: of each one the call that it helps most."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from drawings.svg import box, drawing, line, text

PAGE = Path(__file__).parent.parent / "techniques.md"
CHANGE = re.compile(r"([\d,.]+) -> ([\d,.]+) \(-[\d.]+%\)")
HEADING = re.compile(r"^## (.+?)(?:: `(\w+)`)?$")
WIDTH, LEFT, TOP, ROW, MOST = 1000, 330, 52, 34, 60.0


class Effect(NamedTuple):
    technique: str
    call: str
    unit: str
    without: float
    with_it: float

    @property
    def factor(self) -> float:
        return self.without / self.with_it


def effects() -> list[Effect]:
    """Return every fall that the tables call certain, the ns of a call or else its instructions."""
    found, title, named = [], "", False
    for row in PAGE.read_text().splitlines():
        heading = HEADING.match(row)
        if heading:
            title, named = heading[1], heading[2] is not None
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if not row.startswith("| ") or len(cells) != 3:
            continue
        technique, _, call = cells[0].rpartition(": ") if not named else (title, "", cells[0])
        for cell, unit in ((cells[2], "ns"), (cells[1], "instructions")):
            change = CHANGE.fullmatch(cell)
            if change and call.startswith("`"):
                without, with_it = (float(figure.replace(",", "")) for figure in change.groups())
                found.append(Effect(technique or title, call.strip("`"), unit, without, with_it))
                break
    return found


def largest() -> list[Effect]:
    best: dict[str, Effect] = {}
    for effect in effects():
        if effect.technique not in best or effect.factor > best[effect.technique].factor:
            best[effect.technique] = effect
    return sorted(best.values(), key=lambda effect: -effect.factor)


def x_of(factor: float) -> float:
    return LEFT + math.log(factor) / math.log(MOST) * (WIDTH - LEFT - 20)


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:g}"


def bar(effect: Effect, y: float) -> Iterator[str]:
    name = effect.technique[0].upper() + effect.technique[1:]
    yield text(LEFT - 12, y + 18, name, "bold", "end")
    yield box(LEFT, y + 3, x_of(effect.factor) - LEFT, ROW - 12, "blue-panel", "blue")
    said = f"{effect.call}: {figure(effect.without)} → {figure(effect.with_it)} {effect.unit}"
    inside = x_of(effect.factor) > WIDTH - 330
    x, anchor = (x_of(effect.factor) - 10, "end") if inside else (x_of(effect.factor) + 10, "start")
    yield text(x, y + 18, said, "small" if inside else "small faint", anchor)


def picture() -> str:
    shown = largest()
    height = TOP + ROW * len(shown)
    parts = [text(12, 24, "A call without the technique, as a multiple of its cost with it", "title")]
    for factor in (1, 2, 5, 10, 20, 50):
        parts += [
            line([(x_of(factor), TOP - 6), (x_of(factor), height)], "line", 1),
            text(x_of(factor), TOP - 10, f"{factor}x", "small faint", "middle"),
        ]
    for i, effect in enumerate(shown):
        parts += bar(effect, TOP + i * ROW)
    return drawing(WIDTH, height + 8, parts)
