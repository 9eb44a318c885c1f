"""Which symbols have news for one subscriber that wants only the latest of each.

Source      conflation by key, as ticker plants do it; nothing of it is new.
Contract    one subscriber's own memory, used by one thread at a time. A key is a symbol and a kind (price or quote).
            A key is queued at most once, in the order in which its news came; what is taken is the newest record of
            its slot, never one as old as that taken before.
Progress    never waits for a writer. Memory is 13 bytes a key, whatever the writers do.
Invariants  queued[key] == 1 exactly while key stands in the queue, so the queue never holds more than all keys.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from pricecore.delivery.ring cimport Ring
from pricecore.prices.slot cimport Slot

cdef enum:
    KINDS = 2                       # PRICE and QUOTE

cdef struct Changes:
    uint64_t* delivered             # by key: the sequence that was taken last
    uint32_t* queue                 # keys with news, first in first out
    uint8_t* queued                 # by key
    const uint8_t* wanted           # by symbol id; NULL: all
    uint64_t keys                   # how many there can be
    uint64_t head
    uint64_t count
    uint64_t conflated              # records that were never taken: a newer one of their key was there first


cdef bint changes_new(Changes* changes, uint64_t max_symbols) noexcept nogil
cdef void changes_free(Changes* changes) noexcept nogil
cdef void changes_follow(
    Changes* changes, const Ring* ring, uint64_t* position, Slot* slots, uint64_t symbols) noexcept nogil
cdef uint64_t changes_take(Changes* changes, Slot* slots, uint64_t* out, uint64_t n) noexcept nogil
