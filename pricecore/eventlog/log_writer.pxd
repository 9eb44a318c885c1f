"""Level 4: the writer of a log that has no engine."""

from libc.stdint cimport int64_t, uint64_t

from pricecore.eventlog.appender cimport Appender
from pricecore.eventlog.digest cimport Digest
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.segment cimport Segment

cdef class LogWriter:
    cdef Appender log
    cdef Segment segment            # holds the names alone
    cdef SymbolTable symbols
    cdef object opened
    cdef readonly object path
    cdef int64_t pid

    cdef int check(self, bint good) except -1
    cdef int check_process(self) except -1
    cdef int check_open(self) except -1
    cdef int take_symbols(self, object records) except -1
    cdef bint write(self, const uint64_t* records, uint64_t n, const Digest* digests) noexcept nogil
