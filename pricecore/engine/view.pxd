"""Level 5: the compiled half of a view of another process's engine."""

from libc.stdint cimport uint64_t

from pricecore.engine.hotpath cimport Engine
from pricecore.engine.reader cimport Reader
from pricecore.primitives.waiting cimport WaitRoom

cdef enum:
    KEPT = 2                        # places that a view read from before stay mapped: a call may still be in one

cdef class ViewCore(Reader):
    cdef Engine places[KEPT]
    cdef object segments            # of the places
    cdef uint64_t turn
    cdef uint64_t passed            # generations that this view saw before those its segment counts
    cdef uint64_t status
    cdef readonly str name
    cdef readonly object owner
    cdef object lock
    cdef WaitRoom waits             # of the segment that is looked at; None until somebody waits
    cdef object __weakref__

    cdef int look_at(self, object segment) except -1
    cdef int follow(self) except -1
