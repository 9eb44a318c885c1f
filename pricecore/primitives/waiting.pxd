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
            other. The turn is noted (acquire) before the flag goes up; wake_announced begins a turn (read-modify-write)
            behind the exchange that took it down: the futex compares the turn once more and does not sleep.
            A single update may take its ticket with a store. A processor with store buffers may then have the look at
            the flag overtake the store, by as long as that waits for its line: well below a microsecond. So a reader's
            last look is one that comes SETTLE_S or more after it put up the flag, in the same turn: who missed the flag
            then has a ticket that is seen. (Elsewhere fence_behind_rmw is a full fence, and the first look would do.
            The system could fence for the writer, by membarrier; but its global kind misses cores that hold the
            writer's process lazily, as of Linux 6.18, and it interrupts the writer, which a look does not.)
            Closing stores its word before it takes the flag; a reader that it does not see looks for it afterwards.
            In another process there is no such word: a reader learns of it when it next looks up (LOOK_UP_S).
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport (
    exchange_seq_cst, fence_behind_rmw, fetch_add_relaxed, fetch_or_acq_rel, load_acquire, load_relaxed, unlikely,
)
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns

cdef extern from "waiting.h" nogil:
    # Sleep at the most timeout_ns while the word is `seen`; may end early for no reason.
    void sleep_while "pc_sleep_while" (const uint64_t* word, uint64_t seen, int64_t timeout_ns) noexcept
    void nap "pc_nap" (int64_t ns) noexcept
    void wake_all "pc_wake_all" (const uint64_t* word) noexcept
    void ring "pc_ring" (int descriptor) noexcept
    int watch_file "pc_watch" (const char* path) noexcept
    void forget_rings "pc_forget_rings" (int watch) noexcept

cdef struct WaitPage:               # NAME.wait, or private memory of an engine without a name
    uint64_t sleepers               # the flag: who sleeps, or is about to
    uint64_t turn                   # counts how often the flag was taken down

cdef struct Sleeper:                # a reader, or a loop with those that wait in it
    uint64_t turn                   # in which it put up the flag
    int64_t since_ns                # when it first did
    int64_t settle_ns

cdef enum:
    THREADS = 1                     # on the turn
    LOOPS = 2                       # watching the file
    NO_TURN = 0xffffffffffffffff


cdef inline Sleeper new_sleeper(double settle_s) noexcept nogil:
    return Sleeper(NO_TURN, 0, <int64_t>(settle_s * 1e9))


cdef inline int64_t announce(WaitPage* page, uint64_t who, Sleeper* sleeper) noexcept nogil:
    """Say that we shall sleep, before a look. Returns for how many ns, before another; 0: it is the last."""
    cdef uint64_t turn = load_acquire(&page.turn)       # pairs with wake_announced: see Invariants
    cdef int64_t now_ns
    fetch_or_acq_rel(&page.sleepers, who)              # pairs with is_announced
    fence_behind_rmw()
    now_ns = clock_ns(CLOCK_STEADY)
    if turn != sleeper.turn:
        sleeper.turn = turn
        sleeper.since_ns = now_ns
    return max(sleeper.since_ns + sleeper.settle_ns - now_ns, 0)


cdef inline void sleep_in_turn(const WaitPage* page, const Sleeper* sleeper, int64_t timeout_ns) noexcept nogil:
    """Sleep until the turn is over, or for no reason, at the most timeout_ns; call behind the look."""
    sleep_while(&page.turn, sleeper.turn, timeout_ns)


cdef inline bint is_announced(const WaitPage* page) noexcept nogil:
    """Whether somebody sleeps; call behind the claim of a ticket."""
    fence_behind_rmw()
    return load_relaxed(&page.sleepers) != 0


cdef inline void wake_announced(WaitPage* page, const int* bell) noexcept nogil:
    cdef uint64_t who = exchange_seq_cst(&page.sleepers, 0)
    if who == 0:
        return                              # another writer wakes them
    fetch_add_relaxed(&page.turn, 1)
    if who & THREADS:
        wake_all(&page.turn)
    if who & LOOPS:
        ring(bell[0])                       # it stays readable until the loop looks


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
