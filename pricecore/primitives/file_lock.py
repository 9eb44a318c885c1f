"""Level 1: who writes a file? A lock that ends with its last descriptor, and a question that takes nothing.

Open-file-description locks where the system has them: they end when the last copy of the descriptor is closed, also
by `kill -9`, and `F_OFD_GETLK` answers from a read-only descriptor. A writer locks the whole file; who removes it locks
its first byte, so that the question can tell them apart. Elsewhere `flock`, whose question takes a shared
lock for a moment, so that a writer tries for a second before it believes in another one.
"""

import fcntl
import os
import struct
import time

_LOCK = struct.Struct("hhqqi4x")  # struct flock: type, whence, start, length (0: to the end), process
_WRITER, _REMOVER = 0, 1  # lengths
_HAS_DESCRIPTION_LOCKS = hasattr(fcntl, "F_OFD_SETLK")
_FLOCK_TRIES_S = 1.0


def try_lock(descriptor: int) -> bool:
    """Take the file for its only writer; False when another descriptor has it.

    Threads: any. Cost: one system call; with `flock` up to a second when it is taken.
    """
    return _try(descriptor, _WRITER)


def try_remover_lock(descriptor: int) -> bool:
    """As `try_lock`, for a moment and not to write: `is_locked` does not see it (with `flock` it does)."""
    return _try(descriptor, _REMOVER)


def is_locked(descriptor: int) -> bool:
    """Tell whether another descriptor writes the file. Threads: any. Cost: one system call; two with `flock`."""
    if _HAS_DESCRIPTION_LOCKS:
        question = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, _WRITER, 0)
        kind, _, _, length, _ = _LOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, question))
        return kind != fcntl.F_UNLCK and length == _WRITER
    if not _flock(descriptor, fcntl.LOCK_SH):
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _try(descriptor: int, length: int) -> bool:
    if _HAS_DESCRIPTION_LOCKS:
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, length, 0))
        except BlockingIOError:
            return False
        return True
    deadline_s = time.monotonic() + _FLOCK_TRIES_S
    while not _flock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
