"""Level 3: waking an event loop. It watches a file that the writer rings at; waiting.pxd says who sees what."""

from pricecore.primitives.waiting cimport Sleeper, WaitRoom

cdef class Waiter:
    cdef public bint _asyncio_future_blocking
    cdef object loop
    cdef object wake_up             # of the task that waits, and
    cdef object context             # what it runs in
    cdef object error               # of a task that was cancelled
    cdef bint ended

    cdef int give_turn(self) except -1


cdef class Bell:
    cdef WaitRoom waits
    cdef Sleeper sleeper
    cdef int descriptor
    cdef list waiting               # Waiters
