"""Which symbols have news for one subscriber that wants only the latest of each.

Source      conflation by key, as ticker plants do it; nothing of it is new.
Contract    one subscriber's own memory, used by one thread at a time. A key is a symbol and a kind (price or quote).
            A key is queued at most once, in the order in which its news came; what is taken is the newest record that
            was looked at, never one as old as that taken before. It comes from the ring, whose cells nobody writes for
            a lap: a slot is written again at once, and a writer would wait for its cache line each time.
Progress    never waits for a writer. Memory is 13 bytes a key, whatever the writers do.
Invariants  queued[key] == 1 exactly while key stands in the queue, so the queue never holds more than all keys.
            Every record up to the follower's position was marked, or passed over: then `lapped` is set until the slots
            have been looked at. Nothing is marked of a symbol that the subscriber does not want.
Orderings   a batch of cells is believed only when ring_overrun (an acquire fence, then the ticket counter) says that no
            writer has come round to them. A writer may hold the ticket a lap behind a record that is not stored yet,
            but publishes it only after that: once the follower has seen all tickets that there were when it passed
            records over, the slots hold those or newer ones. Records are copied in the same way.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from pricecore.delivery.ring cimport Ring
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport NameTable

cdef enum:
    KINDS = 2                       # PRICE and QUOTE

cdef struct Changes:
    uint64_t* newest                # by key: the highest sequence that was marked or taken
    uint32_t* queue                 # keys with news, first in first out
    uint8_t* queued                 # by key
    const uint8_t* wanted           # by symbol id, 1: yes; NULL: all are
    uint64_t judged                 # ids below it stand in `wanted`
    uint64_t floor                  # what is not newer is no news: it was there before the subscriber
    bint lapped                     # records were passed over, unseen: look at the slots
    uint64_t lapped_to              # until this position: a ticket a lap before it may not have been stored yet
    uint64_t last                   # what is later is another writer's
    uint64_t keys                   # how many there can be
    uint64_t head
    uint64_t count
    uint64_t conflated              # records passed over because a newer one of their key was taken


cdef bint changes_new(Changes* changes, uint64_t max_symbols) noexcept nogil
cdef void changes_free(Changes* changes) noexcept nogil
cdef bint changes_follow(
    Changes* changes, const Ring* ring, uint64_t* position, uint64_t last, const NameTable* names) noexcept nogil
cdef void changes_look_at_slots(
    Changes* changes, Slot* slots, uint64_t position, const NameTable* names) noexcept nogil
cdef uint64_t changes_take(
    Changes* changes, const Ring* ring, Slot* slots, uint64_t* out, uint64_t n) noexcept nogil
