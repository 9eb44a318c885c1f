"""Text on a terminal: what may be sent there, and how many columns it takes."""

import unicodedata

_ZERO_WIDTH = ("Mn", "Me")
_RIGHT_TO_LEFT = ("R", "AL", "AN")
_CUT = "…"


def harmless(text: str) -> str:
    """Return the text with everything escaped that a terminal would obey, hide or turn round.

    Control characters, invisible ones and letters written from right to left come out as in a Python string: a symbol
    can neither colour nor move anything, and the row of a table keeps its order.

    Threads: any. Cost: one look at each character; nothing is built for ASCII that can be printed.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else _escaped(char) for char in text)


def width(text: str) -> int:
    """Return the columns of text that `harmless` returned."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def fit(text: str, columns: int, *, right: bool = False) -> str:
    """Return the text in exactly so many columns: padded, or cut with an ellipsis."""
    missing = columns - width(text)
    if missing < 0:
        text = _cut(text, columns)
        missing = columns - width(text)
    return " " * missing + text if right else text + " " * missing


def _cut(text: str, columns: int) -> str:
    if columns < 1:
        return ""
    kept, used = [], 1
    for char in text:
        used += _columns(char)
        if used > columns:
            break
        kept.append(char)
    return "".join(kept) + _CUT


def _columns(char: str) -> int:
    if unicodedata.category(char) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _is_harmless(char: str) -> bool:
    return char.isprintable() and unicodedata.bidirectional(char) not in _RIGHT_TO_LEFT


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
