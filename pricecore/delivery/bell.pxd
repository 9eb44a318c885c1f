"""Waking an event loop: a thread sleeps for it, without the GIL, and writes to a file that the loop watches.

Source      the self-pipe trick, with an eventfd where the system has one.
Contract    `arm` asks for one ring: the file becomes readable once a ticket later than the one given is taken, or
            LOOK_UP_NS has passed. However much comes, it rings once: the loop takes all there is and arms again.
Progress    no side waits for the other. The thread needs the GIL at its start and end only.
Invariants  armed == 1 from `arm` until the thread has rung. The thread owns the write end: it is closed by nobody else
            while the thread may write to it.
Orderings   `arm` (release) pairs with the thread's load (acquire): who sees it armed sees the ticket it is armed for.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.segment cimport Segment
from pricecore.primitives.waiting cimport WaitPage, WaitRoom

cdef struct BellState:
    uint64_t armed
    uint64_t stopped
    uint64_t seen                   # the ticket that the loop knows of
    const uint64_t* ticket
    WaitPage* page                  # NULL: look again and again
    int descriptor
    int64_t look_up_ns


cdef class Bell:
    cdef BellState state
    cdef Segment segment
    cdef WaitRoom waits
