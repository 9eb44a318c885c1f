"""Texts that stand elsewhere in the project become parts of a page, so that none is written twice.

A paragraph that is nothing but a link to a section of another Markdown file, with the title "text" or "section", is
replaced by that section: "section" keeps its heading, as one of the second level; "text" leaves it out, and what
stands below it rises as far. In it a link to the page itself, which begins a sentence, reads "This page". Where the
page is read unbuilt, the link leads to the text.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent
ROOT = DOCS.parent
PLACE = re.compile(r'^\[[^\]]+\]\((?P<file>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))? "(?P<how>text|section)"\)$', re.MULTILINE)
HEADING = re.compile(r"^(#{1,6}) (.+)$")
LINK = re.compile(r"(\]\()((?!https?:|#|mailto:)[^)#\s]+)((?:#[^)\s]*)?(?: \"[^\"]*\")?\))")
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "pricecore/README.md": "floor-plan.md",
    "pricecore/data/README.md": "feeds.md",
    "pricecore/eventlog/FORMAT.md": "log-format.md",
    "asv_bench/README.md": "benchmarks.md",
    "ci/README.md": "checks.md",
    "docs/recipes": "recipes/README.md",
}
"""Files of the project whose text is a page here: links to the file lead to the page."""


def anchor_of(heading: str) -> str:
    """Return the anchor that a heading gets where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def headings(lines: list[str]) -> list[tuple[int, int, str]]:
    """Return (line, level, text) of every heading that is not inside a fence."""
    found, fenced = [], False
    for number, line in enumerate(lines):
        fenced ^= line.startswith("```")
        match = HEADING.match(line)
        if match and not fenced:
            found.append((number, len(match[1]), match[2]))
    return found


def cut(text: str, anchor: str | None, what: str) -> tuple[list[str], int]:
    """Return the lines of the section with this anchor (None: of the whole file), and the level of its heading."""
    lines = text.splitlines()
    marks = headings(lines)
    fits = [i for i, (_, _, title) in enumerate(marks) if anchor is None or anchor_of(title) == anchor]
    if not fits:
        raise ValueError(f"{what} has no heading with the anchor {anchor!r}")
    begin, level, _ = marks[fits[0]]
    ends = (number for number, other, _ in marks[fits[0] + 1 :] if other <= level)
    return lines[begin : next(ends, len(lines))], level


def with_levels(lines: list[str], shift: int) -> list[str]:
    for number, level, title in headings(lines):
        lines[number] = "#" * (level + shift) + " " + title
    return lines


@cache
def sections_taken() -> dict[tuple[str, str], str]:
    """Return, by file and anchor, where each section stands that a page takes over."""
    pages = {}
    for page in DOCS.rglob("*.md"):
        for place in PLACE.finditer(page.read_text()):
            source = (page.parent / place["file"]).resolve().relative_to(ROOT).as_posix()
            anchor = f"#{place['anchor']}" if place["how"] == "section" else ""
            pages[source, place["anchor"] or ""] = page.relative_to(DOCS).as_posix() + anchor
    return pages


def with_links(text: str, source: Path, page: Path) -> str:
    """Return the text with its relative links, which begin at the file `source`, beginning at `page`."""

    def moved(link: re.Match[str]) -> str:
        target = os.path.relpath((source.parent / link[2]).resolve(), ROOT)
        if target == source.relative_to(ROOT).as_posix():
            return link[0]
        taken = sections_taken().get((target, link[3].partition(" ")[0].strip("#)")))
        if taken and link[3].startswith("#"):
            return f"{link[1]}{os.path.relpath(DOCS / taken, page.parent)})"
        place = DOCS / PAGES[target] if target in PAGES else ROOT / target
        return link[1] + os.path.relpath(place, page.parent) + link[3]

    return LINK.sub(moved, text)


def part(place: re.Match[str], page: Path) -> tuple[Path, str]:
    """Return the file that a place names, and the text that stands there instead."""
    source = (page.parent / place["file"]).resolve()
    lines, level = cut(source.read_text(), place["anchor"], place["file"])
    lines = with_levels(lines[1:], 1 - level) if place["how"] == "text" else with_levels(lines, 2 - level)
    text = with_links("\n".join(lines).strip(), source, page)
    return source, re.sub(rf"\[[^\]]+\]\({re.escape(page.name)}\)", "This page", text)


def fill_in(app: Any, docname: str, content: list[str]) -> None:
    page = Path(app.env.doc2path(docname))

    def filled(place: re.Match[str]) -> str:
        source, text = part(place, page)
        app.env.note_dependency(str(source))
        return text

    whole = with_links(PLACE.sub(filled, content[0]), page, page)
    content[0] = re.sub(r"\n+\n```$", "\n```", whole, flags=re.MULTILINE)  # doctests need the empty line, pages do not


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True}
