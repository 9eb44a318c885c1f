"""Waking readers that sleep until a record comes. While nobody sleeps, it costs the writer one load an update.

Source      an event count: https://www.1024cores.net/home/lock-free-algorithms/eventcounts
Contract    flag and turn lie alone in memory that readers may write: the segment itself is read-only to them. A reader
            that sees no new ticket sleeps until one is taken, its timeout is over, or for no reason; it looks again
            itself. Threads sleep on the turn; event loops watch a file that the writer then writes to, the page's own.
            Who may write the page can at worst cause needless wakes, and sleeps until the timeout.
Progress    the writer never waits. A wake is one system call for all threads at once, and one for all loops, and only
            while the flag says that there are such.
Invariants  a reader notes the turn, sets the flag, and then has its last look at the ticket counter; a writer looks at
            the flag after it has taken a ticket, and publishes before it wakes. Whoever takes the flag down begins a
            new turn: nobody sleeps in an older one. (Else a writer that was late to look would take down the flag of a
            reader that is about to sleep behind its ticket, and the next writer would find none.)
Orderings   announce (a read-modify-write, then a fence) before the reader's load of the ticket pairs with the claim (a
            read-modify-write, then fence_behind_rmw) before the writer's load of the flag: one of the two sees the
            other. turn_of (acquire) comes before the flag goes up; wake_readers begins a turn (a read-modify-write)
            behind the exchange that took it down: the futex compares the turn once more and does not sleep.
            A single update may take its ticket with a store (unfenced): then announce makes the writer fence, by
            membarrier, as if the writer itself had fenced at some moment of that call. A load of the flag before it
            may miss it, but its ticket is seen by the last look; a load behind it sees the flag.
            choose_fences (a read-modify-write, then a fence) before the writer's first ticket pairs with announce,
            which looks at that choice behind the flag: who does not see it yet has a flag that every look will see.
            (Both a futex and a membarrier want reader and writer under one kernel.)
            Closing stores its word before it takes the flag; a reader that it does not see looks for it afterwards.
            In another process there is no such word: a reader learns of it when it next looks up (LOOK_UP_S).
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport (
    exchange_seq_cst, fence_behind_rmw, fetch_add_relaxed, fetch_or_acq_rel, load_acquire, load_relaxed, unlikely,
)

cdef extern from "waiting.h" nogil:
    # Sleep at the most timeout_ns while the word is `seen`; may end early for no reason.
    void sleep_while "pc_sleep_while" (const uint64_t* word, uint64_t seen, int64_t timeout_ns) noexcept
    void nap "pc_nap" (int64_t ns) noexcept
    void wake_all "pc_wake_all" (const uint64_t* word) noexcept
    void ring "pc_ring" (int descriptor) noexcept
    int watch_file "pc_watch" (const char* path) noexcept
    void forget_rings "pc_forget_rings" (int watch) noexcept
    bint accept_fences "pc_accept_fences" () noexcept       # of whoever calls fence_others, for this process
    bint fence_others "pc_fence_others" () noexcept

cdef struct WaitPage:               # NAME.wait, or private memory of an engine without a name
    uint64_t sleepers               # the flag: who sleeps, or is about to
    uint64_t turn                   # counts how often the flag was taken down
    uint64_t unfenced               # 1: the writer leaves the fence to whoever is about to sleep

cdef enum:
    THREADS = 1                     # on the turn
    LOOPS = 2                       # watching the file


cdef inline uint64_t turn_of(const WaitPage* page) noexcept nogil:
    """The turn to sleep in; note it before announce."""
    return load_acquire(&page.turn)


cdef inline bint announce(WaitPage* page, uint64_t who) noexcept nogil:
    """Say that we shall sleep, before the last look; False: a wake may be missed, sleep but a little."""
    fetch_or_acq_rel(&page.sleepers, who)
    fence_behind_rmw()
    return load_relaxed(&page.unfenced) == 0 or fence_others()


cdef inline void choose_fences(WaitPage* page, bint may_store) noexcept nogil:
    """For a writer, before its first ticket in this process: who fences, if it may take tickets with a store."""
    exchange_seq_cst(&page.unfenced, may_store and accept_fences())
    fence_behind_rmw()


cdef inline void sleep_in_turn(const WaitPage* page, uint64_t turn, int64_t timeout_ns) noexcept nogil:
    """Sleep until the turn is over, or for no reason, at the most timeout_ns; call behind the last look."""
    sleep_while(&page.turn, turn, timeout_ns)


cdef inline bint is_announced(const WaitPage* page) noexcept nogil:
    """Whether somebody sleeps; call behind the claim of a ticket."""
    fence_behind_rmw()                  # where the claim was a store (unfenced), announce has fenced for us
    return load_relaxed(&page.sleepers) != 0


cdef inline void wake_announced(WaitPage* page, const int* bell) noexcept nogil:
    cdef uint64_t who = exchange_seq_cst(&page.sleepers, 0)
    if who & THREADS:
        fetch_add_relaxed(&page.turn, 1)
        wake_all(&page.turn)
    if who & LOOPS:
        ring(bell[0])                       # it stays readable until the loop looks: there are no turns


cdef inline void wake_readers(WaitPage* page, const int* bell) noexcept nogil:
    """Wake whoever sleeps; call after a ticket was taken and published, or something closed."""
    if unlikely(is_announced(page)):
        wake_announced(page, bell)


cdef inline void wake_to_close(WaitPage* page, const int* bell) noexcept nogil:
    """As wake_readers, behind a store instead of a ticket."""
    if page != NULL:                        # else they look again and again
        wake_announced(page, bell)


cdef class WaitRoom:
    cdef WaitPage* page             # NULL: nobody would wake us
    cdef int bell                   # the file that loops watch; -1: there is none (yet)

    cdef int watch(self) except -1
