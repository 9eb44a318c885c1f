"""Level 1: the file of a named segment: made whole or not at all, locked by its writer, trusted before it is mapped."""

import errno
import os
import stat
import threading
import weakref
from pathlib import Path

from pricecore.errors import SegmentError
from pricecore.primitives.descriptor import Descriptor
from pricecore.primitives.file_lock import is_locked, try_lock, try_remover_lock
from pricecore.primitives.segment_names import new_draft_path, segment_path

_TRIES = 100
_OWNER_ONLY_WRITES = stat.S_IWGRP | stat.S_IWOTH
_writable: "weakref.WeakSet[SegmentFile]" = weakref.WeakSet()
_opening = threading.RLock()  # from the opening of such a file until it is listed: no fork comes between


class SegmentFile(Descriptor):
    """An open descriptor of a segment, and how it was come by.

    Attributes
    ----------
    path : Path
    descriptor : int
        Closed by `close`; for a writer that gives the segment free.
    writable, fresh : bool
        A writer's; made by it just now and not yet under its name.

    Threads: one; `close` any. Cost: a descriptor.
    """

    __slots__ = ("__weakref__", "_draft", "fresh", "path", "writable")

    def __init__(self, path: Path, descriptor: int, *, writable: bool, draft: Path | None = None) -> None:
        super().__init__(descriptor)
        self.path = path
        self.writable = writable
        self.fresh = draft is not None
        self._draft = draft
        if writable:
            _writable.add(self)

    def publish(self, *, replace: bool) -> bool:
        """Put a fresh file under its name; False when there is one by now and `replace` is not asked for."""
        if self._draft is None:
            raise RuntimeError(f"{self.path} stands under its name")
        try:
            if replace:
                self._draft.rename(self.path)
                self._draft = None
            else:
                os.link(self._draft, self.path)
        except FileExistsError:
            return False
        self._drop_draft()
        return True

    def open_to_map(self) -> int:
        """Return another descriptor of the same file, to be mapped and closed.

        A mapping keeps its descriptor's lock, also the copy in a forked child: what is locked must not be mapped.
        """
        access = (os.O_RDWR if self.writable else os.O_RDONLY) | os.O_CLOEXEC
        try:
            return os.open(f"/proc/self/fd/{self.descriptor}", access)  # this file, whatever has its name by now
        except OSError:
            return self._open_again(access)

    def _open_again(self, access: int) -> int:
        """Open it by its name, where there is no /proc; SegmentError (ESTALE) when that leads elsewhere by now."""
        path = self._draft or self.path
        try:
            descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            descriptor = -1
        except OSError as error:  # its rights were changed since
            raise SegmentError(error.errno, f"cannot open this segment: {error.strerror}", str(path)) from None
        if descriptor >= 0 and os.path.samestat(os.fstat(descriptor), os.fstat(self.descriptor)):
            return descriptor
        if descriptor >= 0:
            os.close(descriptor)
        raise SegmentError(errno.ESTALE, "this segment was replaced while it was opened", str(path))

    def lock(self) -> bool:
        """Become its writer; False when another descriptor is. Ends with `close`."""
        return try_lock(self.descriptor)

    def lock_to_remove(self) -> bool:
        """Keep writers off without being taken for one; False when there is one. Ends with `close`."""
        return try_remover_lock(self.descriptor)

    @property
    def closed(self) -> bool:
        """Whether it was closed; in the child of a fork a writer's is."""
        return self.descriptor < 0

    @property
    def alive(self) -> bool:
        """Whether another descriptor, that of a writer, has the segment; False once closed. Cost: one system call."""
        return self.descriptor >= 0 and is_locked(self.descriptor)

    def close(self) -> None:
        """Let the descriptor go; a second call does nothing."""
        self._drop_draft()
        super().close()

    def leave_to_parent(self) -> None:
        """Close the child's copy of a descriptor: a lock ends with its last copy. The draft is the parent's."""
        self._draft = None
        self.close()

    def __del__(self) -> None:
        self.close()

    def _drop_draft(self) -> None:
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)
            self._draft = None


def make_file(name: str, size_bytes: int, permissions: int) -> SegmentFile:
    """Return a new locked file of zeros with all its memory reserved, not yet under its name.

    Raises
    ------
    SegmentError
        The folder takes no file, or has no room for it (the message says how much there is).
    """
    file = _make_draft(segment_path(name))
    try:
        os.fchmod(file.descriptor, permissions)
        _reserve(file, size_bytes)
    except BaseException:
        file.close()
        raise
    return file


def _make_draft(path: Path) -> SegmentFile:
    """Return a new empty file that is locked.

    A draft without a lock is taken for one that a dead writer left behind: this one may have been, until it was locked.
    """
    for _ in range(_TRIES):
        draft = new_draft_path(path)
        try:
            with _opening:
                descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                file = SegmentFile(path, descriptor, writable=True, draft=draft)
        except OSError as error:
            reason = f"no segment can be made in {path.parent} ({error.strerror})"
            raise SegmentError(error.errno, f"{reason}; PRICECORE_SHM_DIR names another folder", str(path)) from None
        if try_lock(descriptor) and os.fstat(descriptor).st_nlink:
            return file
        file.close()
    raise SegmentError(errno.EBUSY, "other processes keep removing the drafts of this segment", str(path))


def open_file(name: str, *, writable: bool, owner: int | None = None) -> SegmentFile | None:
    """Return the file of a segment, or None when there is none.

    Raises
    ------
    SegmentError
        It cannot be opened, or is not to be trusted: no regular file, or somebody else's, or others may write it.
    """
    path = segment_path(name)
    access = os.O_RDWR if writable else os.O_RDONLY
    try:
        with _opening:
            descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            file = SegmentFile(path, descriptor, writable=writable)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SegmentError(error.errno, f"cannot open this segment: {error.strerror}", str(path)) from None
    reason = _distrust(os.fstat(descriptor), owner)
    if reason:
        file.close()
        raise SegmentError(errno.EPERM, reason, str(path))
    return file


def is_current(file: SegmentFile) -> bool:
    """Tell whether the name still leads to this file: a writer may have put another one there."""
    try:
        return os.path.samestat(file.path.lstat(), os.fstat(file.descriptor))
    except FileNotFoundError:
        return False


def has_writer(path: Path) -> bool:
    """Tell whether a process writes the segment that has this name now, for who has no descriptor of it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return is_locked(descriptor)
    finally:
        os.close(descriptor)


def _reserve(file: SegmentFile, size_bytes: int) -> None:
    """Take all memory now: a full file system then fails here, and not as a SIGBUS in mid-write."""
    try:
        os.posix_fallocate(file.descriptor, 0, size_bytes)
    except OSError as error:
        folder = file.path.parent
        free = os.statvfs(folder)
        raise SegmentError(
            error.errno,
            f"the segment needs {size_bytes:,} bytes, {folder} has {free.f_bavail * free.f_frsize:,} free "
            f"({error.strerror}); make it smaller by max_symbols, ring_capacity or latency_window, the folder larger "
            f"(Docker: --shm-size), or name another one by PRICECORE_SHM_DIR",
            str(file.path),
        ) from None


def _distrust(found: os.stat_result, owner: int | None) -> str:
    """Return why a file cannot be a segment that we may believe, or nothing."""
    trusted = {os.geteuid(), 0} if owner is None else {owner}
    if not stat.S_ISREG(found.st_mode):
        return "this is no regular file"
    if found.st_uid not in trusted:
        return f"it belongs to user {found.st_uid}; attach(name, owner={found.st_uid}) accepts that"
    if found.st_mode & _OWNER_ONLY_WRITES:
        return f"others than its owner may write it (mode {stat.S_IMODE(found.st_mode):o})"
    return ""


def _after_fork_in_child() -> None:
    _opening.release()
    for file in list(_writable):
        file.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_after_fork_in_child)
