"""Level 6: where the prices of one source go; compiled decoders count in it without a Python call."""

from libc.stdint cimport int64_t


cdef class Sink:
    cdef readonly object update
    cdef readonly object update_quote
    cdef readonly object names
    cdef readonly list series
    cdef public int64_t trades
    cdef public int64_t quotes
