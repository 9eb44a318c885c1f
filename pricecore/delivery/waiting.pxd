"""Waking readers that sleep until a record comes. Whoever does not wait costs the writer one load an update.

Source      an event count: the ticket counter counts, a flag beside it says that somebody sleeps.
Contract    the flag lies in memory that readers may write, alone: the segment itself is read-only to them. A reader
            that sees no new ticket sleeps until one is taken, its timeout is over, or for no reason; it looks again
            itself. Who may write the flag can at worst cause needless wakes.
Progress    the writer never waits. A wake is one system call, for all sleepers at once, and only while the flag is set.
Invariants  a reader sets the flag before its last look at the ticket counter; a writer looks at the flag after it has
            taken a ticket, and publishes before it wakes.
Orderings   announce (sequentially consistent exchange) before the reader's load of the ticket pairs with the claim (a
            read-modify-write, full fence_behind_claim) before the writer's load of the flag: one of the two sees the
            other. Had the reader's load come first, the futex compares the counter once more and does not sleep.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport load_relaxed, unlikely

cdef extern from "waiting.h" nogil:
    void fence_behind_claim "pc_fence_behind_claim" () noexcept
    uint64_t exchange_seq_cst "pc_exchange_seq_cst" (uint64_t* word, uint64_t value) noexcept
    void sleep_while "pc_sleep_while" (const uint64_t* word, uint64_t seen, int64_t timeout_ns) noexcept
    void wake_all "pc_wake_all" (const uint64_t* word) noexcept

cdef struct WaitPage:               # NAME.wait, or private memory of an engine without a name
    uint64_t waiting                # not 0: somebody sleeps, or is about to


cdef inline void announce(WaitPage* page) noexcept nogil:
    """Say that we shall sleep, before the last look."""
    exchange_seq_cst(&page.waiting, 1)


cdef inline void wake_sleepers(WaitPage* page, const uint64_t* ticket) noexcept nogil:
    if exchange_seq_cst(&page.waiting, 0):
        wake_all(ticket)


cdef inline void wake_readers(WaitPage* page, const uint64_t* ticket) noexcept nogil:
    """Wake whoever sleeps; call after a ticket was taken and published."""
    fence_behind_claim()
    if unlikely(load_relaxed(&page.waiting) != 0):
        wake_sleepers(page, ticket)


cdef class WaitRoom:
    cdef WaitPage* page
