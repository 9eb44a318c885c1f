"""Level 5: the compiled half of a view of another process's engine."""

from libc.stdint cimport uint64_t

from pricecore.engine.hotpath cimport Engine
from pricecore.engine.reader cimport Reader
from pricecore.primitives.segment cimport Segment
from pricecore.primitives.waiting cimport WaitRoom

cdef class ViewCore(Reader):
    cdef Engine place
    cdef uint64_t passed            # generations that this view saw before those its segment counts
    cdef uint64_t status
    cdef uint64_t look_ns           # steady; before it no read looks at the name again
    cdef unsigned looks             # in a row that found nothing newer
    cdef readonly str name
    cdef readonly object owner
    cdef object lock
    cdef WaitRoom waits             # of the segment that is looked at; None until somebody waits
    cdef object page_id             # of the file that had its name then
    cdef object __weakref__

    cdef int look_at(self, object segment) except -1
    cdef int look(self) except -1
    cdef int follow(self) except -1
    cdef Segment newest_segment(self)
    cdef WaitRoom room(self)
