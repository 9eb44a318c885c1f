"""Level 3: one follower of an engine's records, in this process or another."""

from libc.stdint cimport uint8_t, uint64_t

from pricecore.delivery.changes cimport Changes
from pricecore.delivery.ring cimport Ring
from pricecore.delivery.waiting cimport WaitRoom
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.segment cimport Segment


cdef class Subscription:
    cdef Segment segment
    cdef SymbolTable symbol_table
    cdef WaitRoom waits
    cdef object check               # raises when nothing will come any more
    cdef object wants               # of a symbol; None: all
    cdef Ring ring
    cdef Slot* slots
    cdef Changes changes
    cdef uint8_t* wanted            # by symbol id; NULL: all
    cdef uint64_t judged            # symbols that `wanted` knows
    cdef uint64_t position
    cdef bint conflates
    cdef bint raises_on_lag
    cdef uint64_t closed_
    cdef uint64_t delivered
    cdef uint64_t lost

    cdef int judge_symbols(self) except -1
    cdef uint64_t next_records(self, uint64_t* out, uint64_t n) noexcept nogil
    cdef uint64_t keep_wanted(self, uint64_t* out, uint64_t n) noexcept nogil
    cdef bint is_news(self) noexcept nogil
    cdef void sleep(self, double timeout_s) noexcept nogil
