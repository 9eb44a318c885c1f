"""Level 6: gaps and repeats in the numbers of a venue."""

from libc.stdint cimport int64_t


cdef class Newest:
    cdef int64_t number
    cdef int64_t lower              # the last number of a run below it
    cdef int64_t run                # numbers in that run; 0: none


cdef class Series:
    cdef bint dense
    cdef dict last                  # key -> its Newest
    cdef readonly int64_t gaps
    cdef readonly object missing    # an int of any size: garbage may leave out more than 64 bits hold
    cdef readonly int64_t duplicates

    cpdef int check(self, object key, int64_t number, int64_t count=*) except -1
    cdef int go_back(self, Newest newest, int64_t before, int64_t number) except -1
    cdef int remember(self, object key, int64_t number) except -1
