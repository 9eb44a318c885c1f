"""Level 3: what the parameters of a subscription may be."""

import operator
from numbers import Real
from typing import SupportsIndex

MAX_ITEMS = 1 << 20


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Return `value`, one of two words; ValueError names the option."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}; it must be {' or '.join(map(repr, choices))}")
    return value


def check_items(max_items: SupportsIndex) -> int:
    """Return `max_items`; ValueError, TypeError when it is no count of records to take at once."""
    max_items = _whole(max_items, f"max_items must be an int, not {max_items!r}")
    if not 1 <= max_items <= MAX_ITEMS:
        raise ValueError(f"max_items is {max_items}; it must lie between 1 and {MAX_ITEMS:,}")
    return max_items


def check_seconds(name: str, seconds: float) -> float:
    """Return a time span; ValueError, TypeError when it is none."""
    if not isinstance(seconds, Real) or isinstance(seconds, bool):
        raise TypeError(f"{name} must be a number of seconds, not {seconds!r}")
    if not 0 <= seconds <= 1e9:
        raise ValueError(f"{name} is {seconds!r}; it must lie between 0 and 1e9 seconds")
    return float(seconds)


def check_start(start: SupportsIndex | str, newest: int) -> int:
    """Return the sequence that `start` stands for, where `newest` is the last one given out."""
    if isinstance(start, str) and start == "now":
        return newest + 1
    sequence = _whole(start, f"start must be 'now' or a sequence, not {start!r}")
    if not 1 <= sequence <= newest + 1:
        raise ValueError(f"start is {sequence}; sequences run from 1, and the next one is {newest + 1:,}")
    return sequence


def _whole(value: SupportsIndex | str, otherwise: str) -> int:
    """Return an int, also of numpy's; True and False are none."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(otherwise)
    return operator.index(value)
