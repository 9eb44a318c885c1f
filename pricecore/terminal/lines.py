"""Lines of a terminal as pieces of text with the name of a style each: what all drawing here returns."""

from collections.abc import Iterable

from pricecore.terminal.cells import fit, width

Span = tuple[str, str]
"""Text, and the name of its style in `palette`."""
Line = list[Span]

GAP = "  "


def columns_of(line: Line) -> int:
    """Return how many columns a line takes."""
    return sum(width(text) for text, _ in line)


def fitted(line: Line, columns: int) -> Line:
    """Return the line in exactly so many columns: padded, or cut."""
    left, out = columns, []
    for text, style in line:
        if left <= 0:
            break
        used = width(text)
        out.append((text if used <= left else fit(text, left), style))
        left -= min(used, left)
    return [*out, (" " * left, "text")] if left > 0 else out


def beside(left: Line, left_columns: int, right: Line) -> Line:
    """Return two lines side by side."""
    return fitted(left, left_columns) + right


def spread(left: Line, right: Line, columns: int) -> Line:
    """Return a line with one part at its left end and one at its right end; the left one is cut if it must be."""
    room = max(0, columns - columns_of(right))
    return fitted(left, room) + fitted(right, columns - room)


def as_text(lines: Iterable[Line]) -> str:
    """Return the lines without their styles."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
