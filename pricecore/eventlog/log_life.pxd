"""Level 4: an engine's log as the owner of the thread behind the ring: see following.pxd."""

from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.holding cimport HolderTable
from pricecore.eventlog.following cimport LogThread
from pricecore.metrics.latency cimport LatencyBuffer
from pricecore.prices.symbols cimport NameTable

cdef class LogLife:
    cdef LogThread thread
    cdef HolderTable holders
    cdef LatencyBuffer commits
    cdef object folder              # Descriptor
    cdef object lock                # of the folder: ours alone
    cdef readonly object options
    cdef readonly object path
    cdef object position            # bytes: the last mark, or what was found
    cdef int64_t pid
    cdef bint started

    cdef int furnish(self, object opened, NameTable names) except -1
    cdef bint catch_up(self, uint64_t last) noexcept nogil
    cdef int register_at_ring(self) except -1
    cdef void abandon(self) noexcept
    cdef bint seal_next(self) noexcept nogil
    cdef int start(self) except -1
    cdef int check_process(self) except -1
    cdef void stop(self) noexcept nogil
    cdef object failure(self)
