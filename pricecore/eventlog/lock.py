"""Level 4: who writes a log? The lock of its folder."""

import errno
import os
import time
import weakref
from pathlib import Path

from pricecore.errors import LogReadOnlyError
from pricecore.eventlog.layout import LOCK_NAME
from pricecore.primitives.descriptor import Descriptor
from pricecore.primitives.file_lock import try_lock

_TRIES, _PAUSE_S = 50, 0.01

_held: "weakref.WeakSet[LogLock]" = weakref.WeakSet()


class LogLock(Descriptor):
    """The right to write a log; ends with `close`, or with its process.

    Threads: any. Cost: a descriptor.
    """

    __slots__ = ("__weakref__",)

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        _held.add(self)


def lock_log(path: Path) -> LogLock:
    """Become the only writer of the log in this folder.

    Raises
    ------
    LogReadOnlyError
        Another process, or another writer of this one, has it (EBUSY); or the folder takes no file.

    Threads: any. Cost: two system calls; half a second when it is refused.
    """
    try:
        descriptor = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LogReadOnlyError(error.errno, f"no log can be written here: {error.strerror}", str(path)) from None
    lock = LogLock(descriptor)
    if not _take(descriptor):
        lock.close()
        text = "another process, or another engine of this one, writes this log; EventLog.open reads it meanwhile"
        raise LogReadOnlyError(errno.EBUSY, text, str(path))
    return lock


def _take(descriptor: int) -> bool:
    """Take the lock; a child that the last writer has just forked holds it until it comes to close its copy."""
    for _ in range(_TRIES):
        if try_lock(descriptor):
            return True
        time.sleep(_PAUSE_S)
    return False


def _after_fork_in_child() -> None:
    """A lock ends with its last copy: the child lets go of its own, and does not unlock."""
    for lock in list(_held):
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
