"""Level 6: where the prices of one source go; compiled decoders count in it without a Python call."""

from libc.stdint cimport int64_t

from pricecore.feeds.intake cimport Guard


cdef class Sink:
    cdef Guard guard                # the engine where it is one, else None
    cdef readonly object update
    cdef readonly object update_quote
    cdef readonly object names
    cdef readonly list series
    cdef public int64_t trades
    cdef public int64_t quotes

    cpdef int trade(
        self, object symbol, object price, object volume=*, object timestamp_ns=*, object change_24h=*) except -1
    cpdef int quote(
        self, object symbol, object bid, object ask, object bid_size=*, object ask_size=*, object timestamp_ns=*
    ) except -1
