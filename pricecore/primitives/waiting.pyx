"""The page in which readers say that they sleep."""

import os
import threading

from libc.errno cimport errno

from pricecore.primitives.atomics cimport load_relaxed
from pricecore.primitives.descriptor cimport close_file
from pricecore.primitives.memory cimport map_file, map_private, unmap

from pricecore.primitives.wait_file import make_private_file

cdef enum:
    PAGE_BYTES = 4096       # no Python name: those are gone when the last room goes at interpreter exit

SETTLE_S = 0.001        # no store waits so long in its processor: see Orderings

_making = threading.Lock()


def _after_fork_in_child():
    """What another thread held is held in the child for ever."""
    global _making
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


cdef class WaitRoom:
    """One page: private, or that of a file which the writer of a named engine shares with its readers.

    Parameters
    ----------
    descriptor : int or None
        Of that file, writable; the room's from now on. -1: the file may not be written, readers have to look again and
        again. None: private memory.

    Raises
    ------
    MemoryError
        The system gives no page.

    Threads: any. Cost: a page, and that descriptor.
    """

    def __cinit__(self, descriptor=None):
        self.bell = -1 if descriptor is None else descriptor
        if descriptor is None:
            self.page = <WaitPage*>map_private(PAGE_BYTES)
        elif descriptor >= 0:
            self.page = <WaitPage*>map_file(descriptor, PAGE_BYTES, True)
        if self.page == NULL and descriptor != -1:
            raise MemoryError("no page for readers that wait")

    def __dealloc__(self):
        if self.page != NULL:
            unmap(self.page, PAGE_BYTES)
        if self.bell >= 0:
            close_file(self.bell)

    cdef int watch(self) except -1:
        """Return a new descriptor that becomes readable when the writer rings; OSError: that cannot be here."""
        with _making:
            if self.bell < 0:
                self.bell = make_private_file()
        cdef int watch = watch_file(f"/proc/self/fd/{self.bell}".encode())
        if watch < 0:
            raise OSError(errno, "event loops cannot be woken here: " + os.strerror(errno))
        return watch

    @property
    def announced(self):
        """Whether somebody sleeps, or is about to, since the last wake (for tests)."""
        return self.page != NULL and is_announced(self.page)

    @property
    def watched(self):
        """Whether an event loop sleeps, or is about to, since the last ring (for tests)."""
        return self.announced and load_relaxed(&self.page.sleepers) & LOOPS != 0

    @property
    def wakes(self):
        """Whether a sleeper is woken; else it looks again and again."""
        return self.page != NULL
