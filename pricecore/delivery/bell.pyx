"""The thread that sleeps for an event loop. Contract: bell.pxd."""

import os

cimport cython
from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport load_acquire, store_release
from pricecore.primitives.waiting cimport announce, nap, sleep_while, wake_all

cdef extern from *:
    """
    #if defined(_WIN32)
    #include <io.h>
    #define pc_ring(descriptor, word) _write((descriptor), (word), 8)
    #else
    #include <unistd.h>
    #define pc_ring(descriptor, word) write((descriptor), (word), 8)
    #endif
    """
    # An eventfd adds the word; a full pipe says the same already.
    long ring "pc_ring" (int descriptor, const uint64_t* word) noexcept nogil

cdef enum:
    IDLE_NS = 1_000_000_000
    NAP_NS = 500_000


cdef inline bint is_armed(const BellState* state) noexcept nogil:
    """Who sees it sees what it is armed for; pairs with arm."""
    return load_acquire(&state.armed) != 0


cdef inline bint is_stopped(const BellState* state) noexcept nogil:
    """Pairs with stop."""
    return load_acquire(&state.stopped) != 0


cdef inline bint is_due(const BellState* state) noexcept nogil:
    """A later ticket is taken; pairs with nothing: whoever is woken looks at the records themselves."""
    return load_acquire(state.ticket) != state.seen


cdef void wait_for_ticket(BellState* state) noexcept nogil:
    cdef int64_t slept_ns = 0
    if state.page != NULL:
        announce(state.page)
        if not is_due(state) and not is_stopped(state):
            sleep_while(state.ticket, state.seen, state.look_up_ns)
        return
    while slept_ns < state.look_up_ns and not is_due(state) and not is_stopped(state):
        nap(NAP_NS)
        slept_ns += NAP_NS


cdef void sleep_for_loop(BellState* state) noexcept nogil:
    cdef uint64_t one = 1
    while not is_stopped(state):
        if not is_armed(state):
            sleep_while(&state.armed, 0, IDLE_NS)
            continue
        wait_for_ticket(state)
        store_release(&state.armed, 0)      # before it rings: the loop arms again behind that
        if not is_stopped(state):
            ring(state.descriptor, &one)


@cython.no_gc_clear             # its thread uses what it holds
cdef class Bell:
    """Rings by writing to `descriptor` when a record comes; see bell.pxd.

    Parameters
    ----------
    segment : Segment
        Of the engine.
    waits : WaitRoom
    descriptor : int
        An eventfd or a pipe's end, non-blocking; `run` closes it in the end.
    look_up_s : float
        An armed bell rings after so long in any case.

    Threads: `run` in one of its own; `arm` and `stop` any. Cost: a thread that sleeps.
    """

    def __cinit__(self, Segment segment not None, WaitRoom waits not None, int descriptor, double look_up_s):
        self.segment = segment
        self.waits = waits
        self.state.ticket = &segment.header.ticket.value
        self.state.page = waits.page
        self.state.descriptor = descriptor
        self.state.look_up_ns = <int64_t>(look_up_s * 1e9)

    def run(self):
        """Sleep and ring until `stop`. Cost: runs without the GIL."""
        with nogil:
            sleep_for_loop(&self.state)
        os.close(self.state.descriptor)

    def arm(self, uint64_t seen):
        """Ring once when a ticket later than `seen` is taken. Cost: one system call; does not block."""
        if is_armed(&self.state):
            return                          # it rings for an earlier one already
        self.state.seen = seen
        store_release(&self.state.armed, 1)             # pairs with is_armed
        wake_all(&self.state.armed)

    def stop(self):
        """End `run` soon; nothing rings any more after it has ended. Cost: two system calls; does not block."""
        store_release(&self.state.stopped, 1)           # pairs with is_stopped
        store_release(&self.state.armed, 1)             # else a thread about to sleep for it would not notice
        wake_all(&self.state.armed)
        wake_all(self.state.ticket)
