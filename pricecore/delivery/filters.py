"""Level 3: which symbols a subscription wants: names, and patterns as file names have them."""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

_PATTERN = re.compile(r"[*?\[]")


def has_pattern(symbol: str) -> bool:
    """Tell whether this is a pattern, and not a name alone."""
    return _PATTERN.search(symbol) is not None


def symbol_filter(symbols: str | Iterable[str] | None) -> Callable[[str], bool] | None:
    """Return what tells whether a symbol is wanted; None: all are.

    Parameters
    ----------
    symbols : str, iterable of str, or None
        Names, or patterns with ``*``, ``?`` and ``[...]``; upper and lower case are two things. A name that contains
        such a character is also taken as it stands.

    Raises
    ------
    TypeError
        Something else than str is among them. ValueError: there is none.
    """
    if symbols is None:
        return None
    wanted = [symbols] if isinstance(symbols, str) else list(symbols)
    for symbol in wanted:
        if not isinstance(symbol, str):
            raise TypeError(f"symbols must be str, not {symbol!r}")
    if not wanted:
        raise ValueError("symbols is empty: nothing would ever be delivered; None subscribes to all")
    names = frozenset(wanted)
    patterns = [translate(symbol) for symbol in wanted if has_pattern(symbol)]
    if not patterns:
        return names.__contains__
    matches = re.compile("|".join(patterns)).match
    return lambda symbol: symbol in names or matches(symbol) is not None
