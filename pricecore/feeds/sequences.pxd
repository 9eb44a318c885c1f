"""Level 6: gaps and repeats in the numbers of a venue."""

from libc.stdint cimport int64_t


cdef class Series:
    cdef bint dense
    cdef dict last                  # key -> its newest number
    cdef readonly int64_t gaps
    cdef readonly int64_t missing
    cdef readonly int64_t duplicates

    cpdef int check(self, object key, int64_t number, int64_t count=*) except -1
