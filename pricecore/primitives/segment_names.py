"""Level 1: names of shared segments, and the files that they stand for."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

PREFIX = "pricecore-"
MAX_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_-]{{0,{MAX_NAME - 1}}}", re.ASCII)
_DRAFT = re.compile(rf"{PREFIX}{_NAME.pattern}\.[0-9]+-[0-9a-f]{{8}}", re.ASCII)


def segments_folder() -> Path:
    """Return where segments lie: `PRICECORE_SHM_DIR`, else shared memory. Threads: any. Cost: microseconds."""
    return Path(os.environ.get("PRICECORE_SHM_DIR") or "/dev/shm")


def check_name(name: str) -> str:
    """Return `name`; TypeError or ValueError when it cannot be one."""
    if not isinstance(name, str):
        raise TypeError(f"a segment's name must be a str, not {name!r}")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a segment's name: 1 to {MAX_NAME} ASCII letters, digits, _ or -")
    return name


def segment_path(name: str) -> Path:
    """Return the file of the segment of this name."""
    return segments_folder() / f"{PREFIX}{check_name(name)}"


def wait_path(path: Path) -> Path:
    """Return the file in which readers of the segment at `path` say that they wait."""
    return path.with_name(f"{path.name}.wait")


def new_draft_path(path: Path) -> Path:
    """Return where the file that gets the name of `path` is made: this process's, and random."""
    return path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}")


def draft_paths(name: str | None = None) -> Iterator[Path]:
    """Yield what is called as `new_draft_path` calls it, for one name or all. Threads: any. Cost: reads the folder."""
    for path in segments_folder().glob(f"{PREFIX}{name or '*'}.*-*"):
        if _DRAFT.fullmatch(path.name):
            yield path


def segment_names() -> Iterator[str]:
    """Yield the names of all segments in the folder, sorted. Threads: any. Cost: reads the folder."""
    for path in sorted(segments_folder().glob(f"{PREFIX}*")):
        name = path.name.removeprefix(PREFIX)
        if _NAME.fullmatch(name):
            yield name
