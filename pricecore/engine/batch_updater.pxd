"""Level 5: what writes batches of prices: the engine itself, and every handle of `writer()`."""

from libc.stdint cimport int32_t, uint64_t

from pricecore.engine.chunk cimport Rows
from pricecore.engine.hotpath cimport Meter, Tally
from pricecore.engine.updater cimport Updater


cdef void count_batch(const Meter* meter, const Tally* tally, uint64_t count, uint64_t whole_ns) noexcept


cdef class BatchUpdater(Updater):
    cdef object ids_of(self, object symbols, Rows* rows)
    cdef int resolve(self, list names, int32_t* ids, const Rows* rows) except -1
    cdef Py_ssize_t apply(self, const Rows* rows, uint64_t begin) except -1
    cdef int publish_batch(self, const Rows* rows, Tally* tally) except -1
    cdef int tell_shut(self, const Rows* rows, const Tally* tally) except -1
    cdef int count(self, const Rows* rows, const Tally* tally, uint64_t begin) except -1
    cdef int warn_of_refused(self, const Tally* tally) except -1
