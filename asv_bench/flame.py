"""Draws a flame graph, as one SVG file, of what `perf script` prints.

    perf script -i perf.data | python asv_bench/flame.py [--title TEXT] > flame.svg

Source: B. Gregg, "The Flame Graph", Communications of the ACM 59(6), 2016. Each box is a function, as wide as its
share of the samples and standing on its caller; boxes of one row are in alphabetical order. A browser shows the full
name and share of a box under the pointer.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from html import escape

WIDTH = 1_200
ROW = 18
MARGIN = 10
HEAD = 40
LEAST_SHARE = 0.001
CHARACTER = 6.6
"""Pixels of one in the font below."""
INTERPRETER = "_PyEval_EvalFrameDefault"
STYLE = "font: 11px ui-monospace, monospace"


class Frame:
    """A function called from one chain of callers, and how many samples met it there."""

    def __init__(self) -> None:
        self.samples = 0
        self.callees: dict[str, Frame] = {}

    def add(self, stack: Iterable[str]) -> None:
        """Count one sample; the stack begins with the outermost caller."""
        frame = self
        frame.samples += 1
        for name in stack:
            frame = frame.callees.setdefault(name, Frame())
            frame.samples += 1


def stacks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the stack of each sample, outermost caller first."""
    stack: list[str] = []
    for line in lines:
        if line.startswith(("\t", " ")) and line.strip():
            stack.append(function_of(line))
        elif stack:
            yield inside_python(stack[::-1])
            stack = []
    if stack:
        yield inside_python(stack[::-1])


def inside_python(stack: list[str]) -> list[str]:
    """Leave out how the interpreter came to its first frame."""
    return stack[stack.index(INTERPRETER) :] if INTERPRETER in stack else stack


def function_of(line: str) -> str:
    """Return the function of a line such as `7f0e  _PyEval_EvalFrameDefault+0x1a (libpython3.13.so)`."""
    _address, _space, rest = line.strip().partition(" ")
    name, _parenthesis, library = rest.partition(" (")
    name = name.partition("+0x")[0]
    return library.rstrip(")").rpartition("/")[2] if name in ("", "[unknown]") else name


def boxes(frame: Frame, left: float, depth: int, scale: float) -> Iterator[tuple[str, int, float, int, float]]:
    """Yield (name, samples, left, depth, width) of all callees, those that are too narrow left out."""
    for name, callee in sorted(frame.callees.items()):
        width = callee.samples * scale
        if width >= WIDTH * LEAST_SHARE:
            yield name, callee.samples, left, depth, width
            yield from boxes(callee, left, depth + 1, scale)
        left += width


def readable(name: str) -> str:
    """Return `engine.updater.put_trade` for `__pyx_f_9pricecore_6engine_7updater_put_trade`.

    Cython writes the length of each part before it, and a number before the method of a class.
    """
    prefix, found, rest = name.partition("_9pricecore_")
    if not found or not prefix.startswith("__pyx_"):
        return name
    parts = []
    while (part := re.match(r"\d+", rest)) and rest[(end := part.end() + int(part[0])) : end + 1] == "_":
        parts.append(rest[part.end() : end])
        rest = rest[end + 1 :]
    return ".".join([*parts, rest.lstrip("0123456789")])


def colour(name: str) -> str:
    """Return blue for what is ours, grey for the rest: the interpreter, the C library, the kernel."""
    return "#7aa7d9" if "pricecore" in name else "#d3d3cd"


def shown(name: str, width: float) -> str:
    """Return as much of a name as fits into its box."""
    text = readable(name)
    fits = int((width - 6) / CHARACTER)
    return text if len(text) <= fits else text[: fits - 2] + ".." if fits > 4 else ""


def drawing(root: Frame, title: str) -> Iterator[str]:
    """Yield the lines of the SVG file."""
    laid_out = list(boxes(root, MARGIN, 0, (WIDTH - 2 * MARGIN) / max(root.samples, 1)))
    rows = 1 + max((depth for _name, _samples, _left, depth, _width in laid_out), default=0)
    height = HEAD + rows * ROW + MARGIN
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" style="{STYLE}">'
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    yield f'<text x="{MARGIN}" y="24" font-size="15">{escape(title)}: {root.samples:,} samples, callers below</text>'
    for name, samples, left, depth, width in laid_out:
        top = height - MARGIN - (depth + 1) * ROW
        share = f"{samples / root.samples:.1%} of the samples"
        yield f"<g><title>{escape(readable(name))}: {share}</title>"
        yield f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{ROW - 1}" rx="2" fill="{colour(name)}"/>'
        yield f'<text x="{left + 3:.1f}" y="{top + 12}">{escape(shown(name, width))}</text></g>'
    yield "</svg>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--title", default="flame graph")
    root = Frame()
    for stack in stacks(sys.stdin):
        root.add(stack)
    for line in drawing(root, parser.parse_args().title):
        print(line)


if __name__ == "__main__":
    main()
