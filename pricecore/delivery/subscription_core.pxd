"""Level 3: one follower of an engine's records, in this process or another."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from pricecore.delivery.changes cimport Changes
from pricecore.delivery.ring cimport Ring
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.segment cimport Segment
from pricecore.primitives.waiting cimport WaitPage, WaitRoom

cdef class SubscriptionCore:
    cdef readonly Segment segment
    cdef readonly WaitRoom waits
    cdef WaitPage* page             # of waits
    cdef SymbolTable symbol_table
    cdef object check               # raises when nothing will come any more
    cdef object wants               # of a symbol; None: all
    cdef Ring ring
    cdef Slot* slots
    cdef Changes changes
    cdef uint8_t* wanted            # by symbol id; NULL: all
    cdef uint64_t judged            # symbols that `wanted` knows
    cdef uint64_t position          # records looked at
    cdef uint64_t polling           # a thread is inside
    cdef const uint64_t* gate       # of the engine or view that it follows
    cdef const uint64_t* end        # its last ticket, known once the gate is closed; NULL: it has none of its own
    cdef uint64_t closed_
    cdef uint64_t last              # a later record is not delivered: the source was closed
    cdef object pid
    cdef unsigned tries             # looks in a row for a record that is not published
    cdef uint64_t delivered
    cdef uint64_t lost
    cdef int64_t checked_ns
    cdef int64_t naps               # in a row, of a reader that nobody wakes
    cdef bint conflates
    cdef bint raises_on_lag

    cdef object take(self, uint64_t n)
    cdef object check_then_take(self, uint64_t n)
    cdef double age_s(self, uint64_t position) except -1.0
    cdef object take_changes(self, uint64_t n)
    cdef int follow_changes(self) except -1
    cdef object take_records(self, uint64_t n)
    cdef int judge_symbols(self) except -1
    cdef int tell_lag(self, uint64_t lost) except -1
    cdef void follow(self, const uint64_t* gate, const uint64_t* end) noexcept
    cdef int enter(self) except -1
    cdef uint64_t newest(self) noexcept nogil
    cdef bint is_news(self) noexcept nogil
    cdef int sleep(self, int64_t timeout_ns) except -1
    cdef void doze(self, int64_t timeout_ns) noexcept nogil
    cdef object take_until(self, uint64_t n, int64_t deadline_ns)
    cdef uint64_t keep_wanted(self, uint64_t* out, uint64_t n) noexcept nogil
