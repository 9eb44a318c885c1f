"""Level 1: drafts, the files in which segments are made, and what is left of those whose writer died over it."""

import os
import stat
import sys
from pathlib import Path

from pricecore.primitives.file_lock import is_locked, try_remover_lock
from pricecore.primitives.segment import MAGIC
from pricecore.primitives.segment_names import draft_paths

MAGIC_BYTES = MAGIC.to_bytes(8, sys.byteorder)


def remove_drafts(name: str | None = None) -> None:
    """Delete the drafts that no writer is at work on, of one segment or of all: each may hold all of its memory.

    A writer locks its draft as soon as it has made it, and makes another one when this comes in between. A file that
    holds anything but a segment, or nothing, stays, whatever its name.

    Threads: any. Cost: reads the folder; some system calls a draft.
    """
    for path in draft_paths(name):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:  # gone meanwhile, or somebody else's
            continue
        try:
            _remove(path, descriptor)
        finally:
            os.close(descriptor)


def _remove(path: Path, descriptor: int) -> None:
    """The question comes first: where there is only `flock`, a lock waits for another one."""
    if not _is_draft(descriptor) or is_locked(descriptor) or not try_remover_lock(descriptor):
        return
    try:
        if os.path.samestat(path.lstat(), os.fstat(descriptor)):
            path.unlink()
    except OSError:  # another one was faster, or this one may not
        return


def _is_draft(descriptor: int) -> bool:
    """Whether it holds what a writer has put into it by the time it dies: nothing, zeros, or a segment."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    begin = os.pread(descriptor, len(MAGIC_BYTES), 0)
    return begin in (b"", bytes(len(MAGIC_BYTES)), MAGIC_BYTES)
