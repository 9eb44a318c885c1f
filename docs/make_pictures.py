"""Draws the pictures of the documentation anew: `python docs/make_pictures.py`, with pricecore installed.

With `--check` it writes nothing, and ends with 1 when a file is not what it would write.

Offsets come from the engine, levels from the test that holds them, figures from the tables of these pages: a picture
cannot say anything else than they do, and a test sees that the files are what this script makes.
"""

import sys
from pathlib import Path

from drawings import floor, latency, life, segment, svg, techniques

DOCS = Path(__file__).parent
PICTURES = {
    "life-of-an-update": life.picture,
    "segment": segment.picture,
    "floor-plan": floor.picture,
    "latency": latency.picture,
    "techniques": techniques.picture,
}


def files() -> dict[Path, str]:
    """Return the text of every file by its path."""
    drawn = {DOCS / "pictures" / f"{name}.svg": picture() for name, picture in PICTURES.items()}
    return drawn | {DOCS / "static" / "drawings.css": svg.page_style()}


def outdated() -> list[str]:
    return [path.name for path, content in files().items() if not path.exists() or path.read_text() != content]


def main() -> int:
    if "--check" in sys.argv[1:]:
        for name in outdated():
            print(f"{name} is not what docs/make_pictures.py draws: run it", file=sys.stderr)
        return 1 if outdated() else 0
    for path, content in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        print(path.relative_to(DOCS.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
