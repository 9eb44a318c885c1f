"""Which lines of .pyx and .pxd can run, and which have run: from the generated C and the bytes of reached.h beside it.

In the C of a tracing build each line that can run is a comment that names it, with a __Pyx_TraceLine behind. An inline
function of a .pxd is in the C of every module that uses it: it was reached when it was in any. One that no module uses
is in none of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NAMED_LINE = re.compile(r' */\* "(pricecore/[^"]+)":\d+$')
TRACED_LINE = re.compile(r" *__Pyx_TraceLine\((\d+),")
ANY_NAMED_LINE = re.compile(r' */\* "[^"]+":\d+$')


@dataclass(slots=True)
class Lines:
    """The lines of one source that can run, and those of them that have run."""

    executable: set[int] = field(default_factory=set)
    reached: set[int] = field(default_factory=set)


def traced_lines(generated: str) -> Iterator[tuple[int, str, int]]:
    """Yield where a line of a source is traced: the line of the C, the source's path, its line. All count from 1."""
    source = ""
    for number, text in enumerate(generated.splitlines(), 1):
        if ANY_NAMED_LINE.match(text):
            named = NAMED_LINE.match(text)
            source = named[1] if named else ""  # of another package's .pxd: not ours
        elif source and (traced := TRACED_LINE.match(text)):
            yield number, source, int(traced[1])


def reached_bytes(generated: Path) -> bytes:
    """Return a byte for each line of this C, none when its library was never loaded."""
    paths = list(generated.parent.glob(f"{generated.stem}.*.reached"))
    return paths[0].read_bytes() if paths else b""


def compiled_lines(root: Path) -> dict[str, Lines]:
    """Return the lines of every .pyx and .pxd under `root`/pricecore by path."""
    sources: dict[str, Lines] = defaultdict(Lines)
    for generated in sorted((root / "pricecore").rglob("*.c")):
        reached = reached_bytes(generated)
        for c_line, source, line in traced_lines(generated.read_text(encoding="utf-8")):
            sources[source].executable.add(line)
            if c_line < len(reached) and reached[c_line]:
                sources[source].reached.add(line)
    return dict(sources)
