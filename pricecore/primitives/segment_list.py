"""Level 1: which segments there are on this machine, and those that nobody writes any more."""

import os
from contextlib import suppress
from typing import NamedTuple

from pricecore.errors import SegmentError
from pricecore.primitives.named_segment import check_file, first_page
from pricecore.primitives.segment import facts_in, supersede
from pricecore.primitives.segment_drafts import MAGIC_BYTES, remove_drafts
from pricecore.primitives.segment_file import SegmentFile, is_current, open_file
from pricecore.primitives.segment_names import segment_names, wait_path


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
    remove_drafts()
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
    """Lock it first: no writer can take it over, or make another one, while it has its name.

    So its page goes before it. Who dies between the two leaves a segment without a page; its next writer makes one.
    """
    if not first_page(file).startswith(MAGIC_BYTES) or not file.lock_to_remove() or not is_current(file):
        return False
    supersede(file.descriptor)
    with suppress(OSError):  # there is none, or something that is no file
        wait_path(file.path).unlink()
    file.path.unlink(missing_ok=True)
    return True
