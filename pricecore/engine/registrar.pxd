"""Level 5: adding symbols to an engine; it alone does, also for the handles of `writer()`."""

from libc.stdint cimport int32_t, uint64_t

from pricecore.engine.batch_updater cimport BatchUpdater


cdef class Registrar(BatchUpdater):
    cdef bint warned_of_room

    cdef int32_t add_at_once(self, object symbol, int* reason, uint64_t* ticket) except -2
    cdef int32_t publish_symbol(self, const char* name, size_t length, uint64_t sequence) noexcept
    cdef bint claim_waiting(self, uint64_t n, uint64_t* first) noexcept nogil
    cdef int warn_of_room(self) except -1
    cdef int32_t register_one(self, object symbol) except -1
