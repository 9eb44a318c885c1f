"""A file that becomes readable when a record comes, for an event loop."""

import os
from asyncio import CancelledError

from pricecore.primitives.waiting cimport LOOPS, announce, forget_rings, new_sleeper

from pricecore.primitives.waiting import SETTLE_S


cdef class Waiter:
    """What a task awaits until the bell rings: a future as tasks know them, and no more of one than they use.

    That of asyncio would give the task its turn in the next pass of the loop; this one gives it in the pass that has
    seen the bell, which saves a tenth to a fifth of the time from a writer in another process to the task.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop

    Threads: the loop's. Cost: an object a wait.
    """

    def __cinit__(self, loop not None):
        self.loop = loop

    def __await__(self):
        self._asyncio_future_blocking = True        # so a task knows what it may wait for
        yield self

    def get_loop(self):
        """Return the loop of the task that may wait for this."""
        return self.loop

    def add_done_callback(self, wake_up not None, *, context):
        """Called by the one task that waits."""
        self.wake_up = wake_up
        self.context = context

    def cancel(self, msg=None):
        """Have the task raise CancelledError in the next pass of the loop; False: it was woken before."""
        if self.ended:
            return False
        self.ended = True
        self.error = CancelledError() if msg is None else CancelledError(msg)
        self.loop.call_soon(self.wake_up, self, context=self.context)
        return True

    def result(self):
        """Return None, or raise CancelledError. For the task."""
        if self.error is not None:
            raise self.error

    cdef int give_turn(self) except -1:
        """Let the task go on now, up to where it waits again. Call where no task is running."""
        if self.ended:
            return 0
        self.ended = True
        self.context.run(self.wake_up, self)
        return 0


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
        self.sleeper = new_sleeper(SETTLE_S)
        self.waiting = []
        self.descriptor = waits.watch()

    def fileno(self):
        """Return the descriptor to watch for reading."""
        return self.descriptor

    def arm(self):
        """Ask for one ring; look behind it whether there is something already.

        Returns
        -------
        float
            After how many seconds to look again if it has not rung by then: 0.0 to 0.001. 0.0: that was the last look.

        Cost: does not block.
        """
        return announce(self.waits.page, LOOPS, &self.sleeper) / 1e9

    def wait(self, loop):
        """Return what ends at the next ring. Await it at once."""
        cdef Waiter waiter = Waiter(loop)
        self.waiting.append(waiter)
        return waiter

    def answer(self):
        """Forget that it rang, and wake. Cost: one system call, and the tasks' turns."""
        forget_rings(self.descriptor)
        self.wake()

    def wake(self):
        """Let all tasks that wait go on, one after the other. For a callback of the loop."""
        cdef list waiting = self.waiting[::-1]
        self.waiting = []
        try:
            while waiting:
                (<Waiter>waiting.pop()).give_turn()
        finally:
            if waiting:                             # a task has ended the loop: SystemExit, KeyboardInterrupt
                self.waiting.extend(waiting)
                (<Waiter>waiting[0]).loop.call_soon(self.wake)

    def close(self):
        """Let the descriptor go; a second call does nothing."""
        cdef int descriptor = self.descriptor
        self.descriptor = -1
        if descriptor >= 0:
            os.close(descriptor)
