"""Reading the ring: a plain reader of one process, which copies and may be lapped."""

import numpy as np

cimport cython
from libc.stdint cimport uint64_t
from libc.string cimport memmove

from pricecore.primitives.segment cimport Segment
from pricecore.types cimport RECORD_BYTES, RECORD_WORDS

from pricecore.dtypes import RECORD_DTYPE

MAX_SEQUENCE = 1 << 61          # the bits above it say in a slot how far a record is


cdef Copied ring_copy(const Ring* ring, uint64_t* position, uint64_t* out, uint64_t n) noexcept nogil:
    """Copy up to n records from `position` on and move it; what was overwritten meanwhile is counted, not returned."""
    cdef Copied result
    cdef uint64_t torn, copied
    result.lost = ring_overrun(ring, position[0])
    position[0] += result.lost
    copied = ring_copy_published(ring, position[0], out, n)
    torn = ring_overrun(ring, position[0])
    if torn:
        # The first `torn` of them, copied or not, are gone: keep the rest.
        result.lost += torn
        if torn >= copied:
            position[0] += torn
            copied = 0
        else:
            position[0] += torn
            copied -= torn
            memmove(out, out + torn * RECORD_WORDS, copied * RECORD_BYTES)
    position[0] += copied
    result.count = copied
    return result


@cython.final
cdef class RingReader:
    """Follows the ring of a segment in this process.

    Parameters
    ----------
    segment : Segment
    start : int
        The first sequence wanted, from 1.

    Threads: one at a time. Cost: `read` copies 64 bytes a record, never waits.
    """

    cdef Segment segment
    cdef Ring ring
    cdef uint64_t position
    cdef readonly uint64_t lost

    def __cinit__(self, Segment segment not None, start=1):
        if not 1 <= start < MAX_SEQUENCE:
            raise ValueError(f"start is {start}; sequences count from 1 and stay below 2**61")
        self.segment = segment
        self.ring = ring_of(&segment.layout)
        self.position = start - 1

    def read(self, Py_ssize_t max_items=1024):
        """Return the next records, at most `max_items`, as an array of RECORD_DTYPE of its own."""
        if max_items < 1:
            raise ValueError(f"max_items is {max_items}; it must be at least 1")
        out = np.empty(max_items, RECORD_DTYPE)
        cdef char[::1] memory = out.view(np.int8)
        cdef Copied copied
        with nogil:
            copied = ring_copy(&self.ring, &self.position, <uint64_t*>&memory[0], max_items)
        self.lost += copied.lost
        return out[:copied.count]

    @property
    def next_sequence(self):
        """The sequence that the next `read` begins with, unless it is overwritten by then."""
        return self.position + 1
