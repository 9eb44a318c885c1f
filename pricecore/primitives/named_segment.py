"""Level 1: segments under a name: one process writes, any may look."""

import errno
import os
import stat
import time

from pricecore.errors import SegmentError, SegmentInUseError
from pricecore.primitives.segment import Segment, facts_in, plan, sizes_in, supersede
from pricecore.primitives.segment_drafts import MAGIC_BYTES, remove_drafts
from pricecore.primitives.segment_file import SegmentFile, is_current, make_file, open_file
from pricecore.primitives.segment_names import check_name, segment_path
from pricecore.primitives.wait_file import make_wait_file

_PAGE_BYTES = 4096
_TRIES = 1_000  # each is lost only to another writer of this name that got further, or to who removes it
_PAUSE_S = 0.001


def check_permissions(permissions: int) -> int:
    """Return `permissions`; ValueError when they let others write, or not its owner."""
    if not isinstance(permissions, int) or isinstance(permissions, bool):
        raise TypeError(f"permissions must be an int such as 0o600, not {permissions!r}")
    if permissions & ~0o644 or permissions & 0o600 != 0o600:
        raise ValueError(f"permissions are {permissions:#o}; they must be 0o600, and may add reading: 0o640, 0o644")
    return permissions


def write_segment(name: str, sizes: dict[str, int], permissions: int, *, resume: bool) -> Segment:
    """Make the segment of this name, or take over the one whose writer is gone.

    Parameters
    ----------
    name : str
    sizes : dict
        As `Segment` takes them.
    permissions : int
        Of the file, also of one that is taken over.
    resume : bool
        False: always make a new one. So does another size; readers of the old one are told.

    Returns
    -------
    Segment
        Writable and locked. `segment.file.fresh` is False when it was taken over: it needs a repair, then `take_over`.

    Raises
    ------
    SegmentInUseError
        Another process, or another engine of this one, writes it.
    SegmentError
        It cannot be made (no room, no right) or resumed (damaged, of another version).

    Threads: any. Cost: reserves all of its memory.
    """
    check_permissions(permissions)
    sizes, size_bytes = plan(**sizes)
    remove_drafts(check_name(name))  # of writers that died over it: else there may be no room for this one
    for _ in range(_TRIES):
        old = open_file(name, writable=True)
        try:
            segment = _claim(name, old, sizes, size_bytes, permissions, resume=resume)
        except BaseException:
            if old is not None:
                old.close()
            raise
        if old is not None and (segment is None or segment.file is not old):
            old.close()
        if segment is not None:
            return segment
        time.sleep(_PAUSE_S)
    raise SegmentInUseError(errno.EBUSY, "other writers keep taking this segment", str(segment_path(name)))


def read_segment(name: str, owner: int | None = None) -> Segment:
    """Map the segment of this name for reading.

    Raises
    ------
    SegmentError
        There is none, or it is not to be trusted: damaged, of another version, somebody else's.

    Threads: any. Cost: some system calls and a mapping; never waits for the writer.
    """
    for _ in range(_TRIES):
        try:
            return _read(name, owner)
        except SegmentError as error:
            if error.errno != errno.ESTALE:
                raise
    return _read(name, owner)


def _read(name: str, owner: int | None) -> Segment:
    """As `read_segment`; ESTALE when the file lost its name before it was mapped (where there is no /proc)."""
    file = open_file(name, writable=False, owner=owner)
    if file is None:
        raise SegmentError(
            errno.ENOENT,
            f"no segment {name!r}: start its writer, PriceEngine({name!r}), or see `pricecore info --segments`",
            str(segment_path(name)),
        )
    try:
        return Segment(**check_file(file), file=file)
    except BaseException:
        file.close()
        raise


def first_page(file: SegmentFile) -> bytes:
    """Return the bytes that say what a segment is and who writes it."""
    return os.pread(file.descriptor, _PAGE_BYTES, 0)


def check_file(file: SegmentFile) -> dict[str, int]:
    """Return the sizes of a segment; SegmentError when its file cannot be believed."""
    return sizes_in(first_page(file), os.fstat(file.descriptor).st_size, file.path)


def _claim(
    name: str, old: SegmentFile | None, sizes: dict[str, int], size_bytes: int, permissions: int, *, resume: bool
) -> Segment | None:
    """Make or take over the segment; None when another process was faster and all has to be looked at again."""
    if old is None:
        return _make(sizes, make_file(name, size_bytes, permissions), generation=1, old=None)
    if not old.lock():
        if not is_current(old) or not old.alive:
            return None
        pid = facts_in(first_page(old))["writer_pid"]
        raise SegmentInUseError(
            errno.EBUSY, f"process {pid} writes this segment; attach({name!r}) reads it", str(old.path)
        )
    if not is_current(old):
        return None
    if resume and check_file(old) == sizes:
        if stat.S_IMODE(os.fstat(old.descriptor).st_mode) != permissions:
            os.fchmod(old.descriptor, permissions)  # what is asked for now is what holds
        return Segment(**sizes, file=old)
    generation = facts_in(first_page(old))["generation"] + 1
    return _make(sizes, make_file(name, size_bytes, permissions), generation=generation, old=old)


def _make(sizes: dict[str, int], file: SegmentFile, *, generation: int, old: SegmentFile | None) -> Segment | None:
    segment = Segment(**sizes, file=file)
    segment.take_over(generation)
    os.close(make_wait_file(file.path))  # now: should it fail, nothing stands under the name
    if old is not None and first_page(old).startswith(MAGIC_BYTES):  # else nobody has it mapped, and it is not ours
        # First: a view that looks too early keeps the old one and looks again; one never told would keep it for good.
        supersede(old.descriptor)
    if file.publish(replace=old is not None):
        return segment
    file.close()
    return None
