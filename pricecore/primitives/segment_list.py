"""Level 1: which segments there are on this machine, and those that nobody writes any more."""

import os
import stat
import sys
import time
from typing import NamedTuple

from pricecore.errors import SegmentError
from pricecore.primitives.named_segment import check_file, first_page
from pricecore.primitives.segment import MAGIC, facts_in, supersede
from pricecore.primitives.segment_file import SegmentFile, is_current, open_file
from pricecore.primitives.segment_names import draft_paths, segment_names, wait_path

_DRAFT_AGE_S = 60.0  # a file still without its name after so long, and not locked, was left by a writer that died
_MAGIC = MAGIC.to_bytes(8, sys.byteorder)


class SegmentFacts(NamedTuple):
    """What can be said of a segment without mapping it."""

    name: str
    path: str
    size_bytes: int
    alive: bool
    """Whether its writer is."""
    writer_pid: int
    generation: int
    trouble: str
    """Why it cannot be attached to; empty when it can."""


def list_segments() -> list[SegmentFacts]:
    """Return the segments of `segments_folder()`, sorted by name.

    Threads: any. Cost: opens each file for a moment; takes no lock.
    """
    found = (_facts(name) for name in segment_names())
    return [facts for facts in found if facts is not None]


def remove_orphaned() -> list[str]:
    """Delete the segments whose writer is gone, and what writers that died left behind; return their names.

    Views that are still attached keep the last prices. A file that is no segment stays, whatever its name.

    Threads: any. Cost: some system calls a segment.
    """
    _remove_drafts()
    return [name for name in segment_names() if _remove(name)]


def _facts(name: str) -> SegmentFacts | None:
    trouble = ""
    try:
        file = open_file(name, writable=False)
    except SegmentError as error:
        return SegmentFacts(name, str(error.filename), 0, False, 0, 0, str(error.strerror))
    if file is None:  # removed meanwhile
        return None
    try:
        check_file(file)
    except SegmentError as error:
        trouble = str(error.strerror)
    facts = facts_in(first_page(file))
    size_bytes = os.fstat(file.descriptor).st_size
    alive = file.alive
    file.close()
    return SegmentFacts(name, str(file.path), size_bytes, alive, facts["writer_pid"], facts["generation"], trouble)


def _remove(name: str) -> bool:
    try:
        file = open_file(name, writable=True)
    except SegmentError:  # somebody else's
        return False
    if file is None:
        return False
    try:
        return _remove_file(file)
    finally:
        file.close()


def _remove_file(file: SegmentFile) -> bool:
    """Lock it first: no writer can take it over while it goes."""
    if not first_page(file).startswith(_MAGIC) or not file.lock_to_remove() or not is_current(file):
        return False
    supersede(file.descriptor)
    wait_path(file.path).unlink(missing_ok=True)
    file.path.unlink()
    return True


def _remove_drafts() -> None:
    for path in draft_paths():
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:  # gone meanwhile, or somebody else's
            continue
        draft = SegmentFile(path, descriptor, writable=True)
        try:
            if _is_left_behind(draft) and draft.lock_to_remove() and is_current(draft):
                path.unlink(missing_ok=True)
        finally:
            draft.close()


def _is_left_behind(draft: SegmentFile) -> bool:
    """Whether it is old and holds what a writer has put into it by the time it dies: nothing, or a segment."""
    found = os.fstat(draft.descriptor)
    if not stat.S_ISREG(found.st_mode) or time.time() - found.st_mtime <= _DRAFT_AGE_S:
        return False
    return first_page(draft)[: len(_MAGIC)] in (b"", bytes(len(_MAGIC)), _MAGIC)
