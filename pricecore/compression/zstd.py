"""Where zstd comes from: the standard library since Python 3.14, the extra `[zstd]` before."""

from functools import cache
from importlib import import_module
from types import ModuleType

from pricecore.errors import MissingExtraError

_NAMES = ("compression.zstd", "backports.zstd")
"""Of the same interface. The first is missing before 3.14, and where an interpreter was built without libzstd."""

LEAST_LEVEL, MOST_LEVEL = 1, 22


@cache
def zstd() -> ModuleType:
    """Return the module with zstd's interface of Python 3.14.

    Raises
    ------
    MissingExtraError
        There is none; the message says what to install.

    Threads: any.
    Cost: one import, then a lookup.
    """
    for name in _NAMES:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise MissingExtraError('zstd is not installed: pip install "pricecore[zstd]"')


def checked_level(level: int) -> int:
    """Return `level`; ValueError unless it is 1 (fast) to 22 (small)."""
    if not isinstance(level, int) or isinstance(level, bool):
        raise TypeError(f"level must be an int, not {level!r}")
    if not LEAST_LEVEL <= level <= MOST_LEVEL:
        raise ValueError(f"level is {level}; it must be {LEAST_LEVEL} to {MOST_LEVEL}")
    return level
