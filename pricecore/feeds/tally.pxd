"""Level 6: the accounts of one source: every line is priced, ignored or malformed."""

from libc.stdint cimport int64_t


cdef class Tally:
    cdef readonly object decode
    cdef readonly int64_t priced
    cdef readonly int64_t ignored
    cdef readonly int64_t malformed
    cdef readonly object first_malformed    # in words; None: none yet

    cdef int count(self, bytes message) except -1
    cdef object spoil(self, object error)
