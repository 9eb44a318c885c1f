"""Waking readers that sleep until a record comes. While nobody sleeps, it costs the writer one load an update.

Source      an event count: the ticket counter of the ring counts, a flag beside it says that somebody sleeps.
Contract    the flag lies alone in memory that readers may write: the segment itself is read-only to them. A reader
            that sees no new ticket sleeps until one is taken, its timeout is over, or for no reason; it looks again
            itself. Threads sleep on the ticket counter; event loops watch a file that the writer then writes to, the
            page's own. Who may write the flag can at worst cause needless wakes.
Progress    the writer never waits. A wake is one system call for all threads at once, and one for all loops, and only
            while the flag says that there are such.
Invariants  a reader sets the flag before its last look at the ticket counter; a writer looks at the flag after it has
            taken a ticket, and publishes before it wakes.
Orderings   announce (a read-modify-write, then a fence) before the reader's load of the ticket pairs with the claim (a
            read-modify-write, then fence_behind_rmw) before the writer's load of the flag: one of the two sees the
            other. If it is the reader, the futex compares the counter once more and does not sleep. A loop
            that the writer sees is rung for, and its file stays readable until it looks.
            Closing (a store, then a read-modify-write of the flag) pairs with announce in the same way. It leaves the
            flag as it is: a thread that has announced may not sleep yet, and nobody else would wake it.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport (
    exchange_seq_cst, fence_behind_rmw, fetch_or_acq_rel, load_relaxed, unlikely,
)

cdef extern from "waiting.h" nogil:
    # Sleep at the most timeout_ns while the word is `seen`; may end early for no reason.
    void sleep_while "pc_sleep_while" (const uint64_t* word, uint64_t seen, int64_t timeout_ns) noexcept
    void nap "pc_nap" (int64_t ns) noexcept
    void wake_all "pc_wake_all" (const uint64_t* word) noexcept
    void ring "pc_ring" (int descriptor) noexcept
    int watch_file "pc_watch" (const char* path) noexcept
    void forget_rings "pc_forget_rings" (int watch) noexcept

cdef struct WaitPage:               # NAME.wait, or private memory of an engine without a name
    uint64_t sleepers               # who sleeps, or is about to

cdef enum:
    THREADS = 1                     # on the ticket counter
    LOOPS = 2                       # watching the file


cdef inline void announce(WaitPage* page, uint64_t who) noexcept nogil:
    """Say that we shall sleep, before the last look."""
    fetch_or_acq_rel(&page.sleepers, who)
    fence_behind_rmw()


cdef inline bint is_announced(const WaitPage* page) noexcept nogil:
    """Whether somebody sleeps; call behind the claim of a ticket."""
    fence_behind_rmw()
    return load_relaxed(&page.sleepers) != 0


cdef inline void wake_readers(WaitPage* page, const uint64_t* ticket, const int* bell) noexcept nogil:
    """Wake whoever sleeps; call after a ticket was taken and published."""
    cdef uint64_t who
    if unlikely(is_announced(page)):
        who = exchange_seq_cst(&page.sleepers, 0)
        if who & THREADS:
            wake_all(ticket)
        if who & LOOPS:
            ring(bell[0])


cdef inline void wake_to_close(WaitPage* page, const uint64_t* ticket, const int* bell) noexcept nogil:
    """Wake whoever sleeps, after something was closed."""
    wake_all(ticket)
    if page != NULL and fetch_or_acq_rel(&page.sleepers, 0) & LOOPS:
        ring(bell[0])


cdef class WaitRoom:
    cdef WaitPage* page             # NULL: nobody would wake us
    cdef int bell                   # the file that loops watch; -1: there is none (yet)

    cdef int watch(self) except -1
