"""Level 3: a place in the stream of an engine's records. Its Contract is that of ring.pxd, or of changes.pxd."""

cimport numpy as cnp
from libc.stdint cimport uint8_t, uint64_t

from pricecore.delivery.changes cimport Changes
from pricecore.delivery.ring cimport Ring
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.atomics cimport load_acquire
from pricecore.primitives.segment cimport Segment

cdef enum:
    CLOSED = 1                      # as the engine's status says it


cdef inline bint has_ended(const uint64_t* closed) noexcept nogil:
    """Of a subscription, or its source (whose status it is). Pairs with close."""
    return load_acquire(closed) == CLOSED


cdef cnp.ndarray new_records(uint64_t count)


cdef class Follower:
    cdef readonly Segment segment
    cdef SymbolTable symbol_table
    cdef object wants               # of a symbol; None: all
    cdef Ring ring
    cdef Slot* slots
    cdef Changes changes
    cdef uint8_t* wanted            # by symbol id; NULL: all
    cdef uint64_t judged            # symbols that `wanted` knows
    cdef uint64_t position          # records looked at
    cdef const uint64_t* gate       # of the engine or view that it follows
    cdef const uint64_t* end        # its last ticket, known once the gate is closed; NULL: it has none of its own
    cdef uint64_t last              # a later record is not delivered: the source was closed
    cdef object spare               # room for one record, made before the sleep that it ends
    cdef uint64_t delivered
    cdef uint64_t lost
    cdef bint conflates
    cdef bint raises_on_lag

    cdef void follow(self, const uint64_t* gate, const uint64_t* end) noexcept
    cdef object take(self, uint64_t n)
    cdef object take_changes(self, uint64_t n)
    cdef int follow_changes(self) except -1
    cdef object take_records(self, uint64_t n)
    cdef int judge_symbols(self) except -1
    cdef int tell_lag(self, uint64_t lost) except -1
    cdef int make_spare(self) except -1
    cdef cnp.ndarray room_for(self, uint64_t rows)
    cdef uint64_t newest(self) noexcept nogil
    cdef bint is_news(self) noexcept nogil
    cdef uint64_t keep_wanted(self, uint64_t* out, uint64_t n) noexcept nogil
