"""A file that becomes readable when a record comes, for an event loop."""

import os

from pricecore.primitives.waiting cimport LOOPS, announce, forget_rings


cdef class Bell:
    """Becomes readable once a ticket is taken after `arm`, or something is closed.

    Parameters
    ----------
    waits : WaitRoom

    Raises
    ------
    OSError
        Event loops cannot be woken here: the page is somebody else's, or the system has no inotify, or no more of it
        (fs.inotify.max_user_instances).

    Threads: those of the loop. Cost: a descriptor; nothing to the writer while it is not armed.
    """

    def __cinit__(self, WaitRoom waits not None):
        self.descriptor = -1
        if not waits.wakes:
            raise OSError("the page of readers that wait is somebody else's")
        self.waits = waits
        self.waiting = []
        self.descriptor = waits.watch()

    def fileno(self):
        """Return the descriptor to watch for reading."""
        return self.descriptor

    def arm(self):
        """Ask for one ring; look behind it whether there is something already. Cost: does not block."""
        announce(self.waits.page, LOOPS)

    def wait(self, future not None):
        """Have this future end at the next ring, and return it. Who gives it up leaves it here until then."""
        self.waiting.append(future)
        return future

    def answer(self):
        """Forget that it rang, and wake. Cost: one system call; does not block."""
        forget_rings(self.descriptor)
        self.wake()

    def wake(self):
        """End all futures that wait."""
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def close(self):
        """Let the descriptor go; a second call does nothing."""
        cdef int descriptor = self.descriptor
        self.descriptor = -1
        if descriptor >= 0:
            os.close(descriptor)
