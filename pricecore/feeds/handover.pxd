"""Level 6: a thread that reads and merges sources, and the queue over which their messages come to another.

Contract: every line of every source comes out once, by time, ties in the order of the sources, each source in its own
order. A line's bytes lie in a buffer of the pool, its record in the queue names the buffer; the thread that pops the
record owns the buffer and gives it back. When `stop` returns the reader has ended and all buffers are back.
Progress: the reader waits for its input, and while the queue is full; the taker waits while it is empty. Neither
spins, and both look up after WAIT_US at the latest. Reader and taker wake each other for many records at once: the
reader before it waits for input and when the queue is full, the taker when half of the queue is empty again.
Invariants: buffers in flight <= capacity of the queue + one in the reader's hand + one batch in the taker's.
Orderings: the queue's; `parking.pxd` for the waits; `stopping` is a relaxed flag whose writer wakes the reader after.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.feeds.lines cimport Lines
from pricecore.feeds.parking cimport Parking
from pricecore.primitives.pool cimport Buffer, BufferPool
from pricecore.primitives.queue cimport UpdateQueue

cdef enum:
    BATCH = 64                      # records popped at once
    WAIT_US = 100000                # signals and a stop are seen at least that often

cdef struct Frame:
    # One line on its way, as the queue carries it: 64 bytes.
    int64_t time_ns
    int64_t number                  # of its source
    Buffer buffer
    uint64_t[2] unused


cdef class Handover:
    cdef BufferPool pool
    cdef UpdateQueue queue
    cdef list lines                 # of Lines, by number
    cdef void** open_lines          # those that have a line left, by number
    cdef int opened
    cdef Parking reader
    cdef Parking taker
    cdef uint64_t stopping
    cdef readonly bint finished     # every line was taken
    cdef object thread
    cdef object error               # of the reader

    cdef int merge(self) except -1 nogil
    cdef void leave_out(self, int ended) noexcept nogil
    cdef int next_line(self, Lines lines) except -1 nogil
    cdef int hand_over(self, Lines lines) except -1 nogil
    cdef bint frame_filled(self, Frame* frame, const char* line, size_t size) noexcept nogil
    cdef bint wait_for_room(self) noexcept nogil
    cdef bint stop_seen(self) noexcept nogil
    cdef object wait_for_records(self)
    cdef object finish(self)
    cdef object open_all(self)
    cdef void give_back(self, Frame* frames, int64_t count) noexcept nogil
