"""Level 1: `NAME.wait`, the page in which readers of a segment say that they sleep, and that event loops watch.

Only the segment's owner may write it, and so only its processes are woken: whoever may write a file may also cut it,
and a writer dies of a page that is cut away under it. Readers of other users look again and again instead.
"""

import errno
import os
import stat
from pathlib import Path

from pricecore.errors import SegmentError
from pricecore.primitives.segment_names import segments_folder, wait_path

_BYTES = 4096
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK if hasattr(os, "O_NOFOLLOW") else os.O_RDWR


def make_wait_file(segment: Path) -> int:
    """Return a descriptor of the wait file of the segment at this path, made where there is none. For the writer.

    Raises
    ------
    SegmentError
        Somebody else's file, or no file, stands under its name; or there is no room for a page.
    """
    path = wait_path(segment)
    try:
        descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o600)
    except OSError as error:
        reason = f"cannot open the page of waiting readers: {error.strerror}"
        raise SegmentError(error.errno, reason, str(path)) from None
    try:
        if not _is_written_by(descriptor, {os.geteuid()}):
            raise SegmentError(errno.EPERM, "this is no file that only this user may write: delete it", str(path))
        _reserve(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_wait_file(segment: Path) -> int:
    """Return a descriptor of the wait file, or -1 when this process may not write it, or should not believe it."""
    try:
        owners = {os.geteuid(), segment.stat().st_uid}
        descriptor = os.open(wait_path(segment), _FLAGS)
    except OSError:
        return -1
    if _is_written_by(descriptor, owners) and os.fstat(descriptor).st_size >= _BYTES:
        return descriptor
    os.close(descriptor)
    return -1


def file_id(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at this path from every other one that is or was there; None: there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def make_private_file() -> int:
    """Return a descriptor of a new page without a name, for the event loops that follow an engine without a name.

    Raises
    ------
    OSError
        There is no folder for it, or no room.
    """
    if not hasattr(os, "O_TMPFILE"):
        raise OSError(errno.ENOSYS, "no files without a name")
    descriptor = os.open(segments_folder(), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _BYTES)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_written_by(descriptor: int, owners: set[int]) -> bool:
    """Whether it is a file of one of these users that nobody else may write, and that has no other name."""
    found = os.fstat(descriptor)
    others_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(found.st_mode) and found.st_uid in owners and not others_write and found.st_nlink <= 1


def _reserve(descriptor: int, path: Path) -> None:
    try:
        os.posix_fallocate(descriptor, 0, _BYTES)
    except OSError as error:
        reason = f"no room for the page of waiting readers: {error.strerror}"
        raise SegmentError(error.errno, reason, str(path)) from None
