"""Level 3: the consumer that holds the ring, as an object: see holding.pxd."""

from libc.stdint cimport uint64_t

from pricecore.delivery.holding cimport Holder, HolderTable
from pricecore.delivery.ring cimport Copied


cdef class HoldingConsumer:
    cdef HolderTable table
    cdef Holder holder
    cdef uint64_t reading
    cdef object pid
    cdef readonly str name
    cdef readonly str full
    cdef readonly double full_timeout_s

    cdef Copied copy(self, uint64_t* out, uint64_t n) noexcept nogil
    cdef int check(self) except -1
