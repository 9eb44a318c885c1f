"""Level 4: the log of an engine, as its users have it in hand."""

from libc.stdint cimport uint64_t

from pricecore.eventlog.log_life cimport LogLife

cdef class LogCore(LogLife):
    cdef int check_over(self, uint64_t wanted) except -1
    cdef int check_failed(self, bint begun) except -1
    cdef uint64_t wanted(self, object sequence) except? 0
