"""Level 4: what a log says up to one record: names, latest prices and quotes, in private memory."""

from pricecore.eventlog.applying cimport Target
from pricecore.primitives.segment cimport Segment


cdef class State:
    cdef Segment segment
    cdef Target target

    cdef int grow(self) except -1
