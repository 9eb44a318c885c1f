"""Level 4: what may be said about the log of an engine."""

import os
from dataclasses import KW_ONLY, dataclass
from numbers import Real

from pricecore.eventlog.log_life import DURABILITIES, FULL

_MIN_ROTATE_BYTES = 64 << 10
_MAX_SECONDS = 1e9


@dataclass(frozen=True)
class LogOptions:
    """How an engine's log is written.

    Parameters
    ----------
    path : str or Path
        The log's folder; made when it is not there (its parent must be).
    durability : {"memory", "os", "disk"}
        When a record counts as durable. "memory": when the log has taken it, in the file within a second; "os": when
        the system has it, it survives ``kill -9``; "disk": when it is on the disk, it survives a power cut.
    commit_interval_s : float
        How long the log sleeps when little comes, 0.0001 to 1. What comes meanwhile is committed together.
    rotate_bytes, rotate_s : int, float or None
        The file is sealed and the next one begun at this size (at least 65,536, and at least twice that of its head,
        which has 64 bytes for each symbol) or age.
    snapshot_records, snapshot_s : int, float or None
        A snapshot is written after so many records, or seconds; with None for both only when `snapshot` is called.
    keep_bytes, keep_s, keep_files : int, float, int or None
        Sealed files beyond this size in all, this age, or this count are removed, oldest first; never one that the
        newest two snapshots need, and none before there are two. None: all are kept.
    compress : bool
        True: sealed files are compressed with zstd (extra ``zstd``).
    full : {"wait", "raise", "skip"}
        What becomes of updates while the ring is full of unlogged records. "wait": they wait, at most
        `full_timeout_s`, then they are refused with a RingFullError; "raise": at once; "skip": they go on, and the
        log holds a gap entry that says exactly which records it lacks.
    full_timeout_s : float
        0 to 1e9.

    Raises
    ------
    TypeError, ValueError
        A value is out of its range; the message names it and the rule.
    MissingExtraError
        `compress` is asked for, and zstd is not installed.
    """

    path: str | os.PathLike[str]
    _: KW_ONLY
    durability: str = "os"
    commit_interval_s: float = 0.001
    rotate_bytes: int = 256 << 20
    rotate_s: float | None = None
    snapshot_records: int | None = 1_000_000
    snapshot_s: float | None = None
    keep_bytes: int | None = None
    keep_s: float | None = None
    keep_files: int | None = None
    compress: bool = False
    full: str = "wait"
    full_timeout_s: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise TypeError(f"the log's path must be a str or a Path, not {self.path!r}")
        self._check()

    def _check(self) -> None:
        _choice("durability", self.durability, DURABILITIES)
        _choice("full", self.full, FULL)
        _number("commit_interval_s", self.commit_interval_s, 1e-4, 1.0)
        _number("full_timeout_s", self.full_timeout_s, 0.0, _MAX_SECONDS)
        _whole("rotate_bytes", self.rotate_bytes, _MIN_ROTATE_BYTES, optional=False)
        for name in ("rotate_s", "snapshot_s", "keep_s"):
            if getattr(self, name) is not None:
                _number(name, getattr(self, name), 1e-3, _MAX_SECONDS)
        for name in ("snapshot_records", "keep_bytes", "keep_files"):
            _whole(name, getattr(self, name), 1, optional=True)
        if not isinstance(self.compress, bool):
            raise TypeError(f"compress must be True or False, not {self.compress!r}")
        if self.compress:
            from pricecore.compression.zstd import zstd  # an extra: said now, not when the first file is sealed

            zstd()


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, choices))}")


def _number(name: str, value: object, least: float, most: float) -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number of seconds, not {value!r}")
    if not least <= float(value) <= most:  # nor NaN
        raise ValueError(f"{name} is {value!r}; it must be {least:g} to {most:g} seconds")


def _whole(name: str, value: object, least: int, *, optional: bool) -> None:
    if value is None and optional:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int{' or None' if optional else ''}, not {value!r}")
    if not least <= value < 1 << 63:
        raise ValueError(f"{name} is {value}; it must be at least {least:,}")
