"""Level 1: a lock for very short calls that threads may make without a pause: each has it for many calls in a row.

Source      the idea of lock cohorting (Dice, Marathe and Shavit, PPoPP 2012), for threads in place of sockets: what a
            lock guards goes to another core with it, line by line, which costs several times the call itself. So
            two threads that take it in turns call by call are slower than one.
Contract    As spin.pxd: whoever holds it runs no Python, waits for nothing, and lets go at once.
Progress    The thread that held it last takes it at once. Another one looks for 2 us how often that one comes by, for
            0.3 us when that one has only just come; beside one that goes on without a pause it sleeps, 50 us and
            longer, until the turn is over: after TURN_CALLS calls, or TURN_NS of sleep. A visit of a few calls does
            not begin the turn of who comes back anew: so only threads that all go on without a pause wait for long.
            Their turns double, up to eight times as long: a new turn begins with fetching what the last one used,
            which may take 1 ms. A turn that somebody leaves early shortens them again.
Orderings   turn_lock (acquire) pairs with turn_unlock (release): what was changed under the lock is seen under it.
            `owner`, `since` and `doublings` are changed under it and looked at without: an old value makes a thread
            wait a little too long, or too short, and nothing else.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport (
    backoff, cas_acquire, likely, load_relaxed, store_relaxed, store_release,
)
from pricecore.primitives.waiting cimport nap

cdef enum:                          # `calls` counts by two: odd is held
    TURN_CALLS = 2 * 65_536
    WHOLE_CALLS = TURN_CALLS / 4    # what is a whole turn of slower calls
    LONGEST_TURN = 3                # doublings
    VISIT_CALLS = 2 * 64
    PAUSELESS_CALLS = 2 * 4         # while another thread looks on
    TURN_LOOKS = 48                 # pauses of about 40 ns
    LONG_LOOKS = 480                # of who has slept: an interrupt is no pause
    FIRST_LOOKS = 8
    TURN_NS = 5_000_000             # as long as the interpreter's lock is held at the most; before it doubles
    TURN_NAP_NS = 50_000            # the first; each is twice as long as the one before
    LONGEST_NAP_NS = 800_000

cdef extern from *:
    """
    #include "atomics.h"
    #if defined(_WIN32)
    #include <windows.h>
    static inline uint64_t pc_this_thread(void) { return (uint64_t)GetCurrentThreadId(); }
    #else
    #include <pthread.h>
    static inline uint64_t pc_this_thread(void) { return (uint64_t)pthread_self(); }
    #endif
    """
    uint64_t this_thread "pc_this_thread" () noexcept nogil
    void pause "pc_pause" () noexcept nogil

cdef struct TurnLock:
    uint64_t calls
    uint64_t owner                  # the thread that made the last one
    uint64_t since                  # `calls` when its turn began
    uint64_t doublings              # of a turn
    uint64_t owner_before           # these only under the lock
    uint64_t since_before
    uint64_t whole                  # who last had a whole turn


cdef inline bint turn_is_over(const TurnLock* lock, uint64_t calls, bint has_slept) noexcept nogil:
    """Whether the thread that held it last has had its turn, or goes on only now and then."""
    cdef uint64_t made = calls - load_relaxed(&lock.since)
    cdef uint64_t more
    cdef int looks
    if made >= TURN_CALLS << load_relaxed(&lock.doublings):
        return True
    for looks in range(TURN_LOOKS if not has_slept else LONG_LOOKS):
        pause()
        more = load_relaxed(&lock.calls) - calls
        if more >= PAUSELESS_CALLS:
            return False
        if more == 0 and looks == FIRST_LOOKS and made < VISIT_CALLS:
            return True
    return True


cdef inline void turn_begin(TurnLock* lock, uint64_t me, uint64_t calls) noexcept nogil:
    """Another thread than before has the lock."""
    cdef uint64_t since = load_relaxed(&lock.since)
    cdef bint was_visit = me == lock.owner_before and calls - since < VISIT_CALLS
    if not was_visit:
        store_relaxed(&lock.doublings, turn_grows(lock, me, calls - since))
    store_relaxed(&lock.since, lock.since_before if was_visit else calls)
    lock.since_before = since
    lock.owner_before = load_relaxed(&lock.owner)
    store_relaxed(&lock.owner, me)


cdef inline uint64_t turn_grows(TurnLock* lock, uint64_t me, uint64_t made) noexcept nogil:
    """Return how often turns are doubled from now on, after one of so many calls."""
    cdef uint64_t doublings = load_relaxed(&lock.doublings)
    cdef uint64_t owner = load_relaxed(&lock.owner)
    if made < WHOLE_CALLS:
        lock.whole = 0
        return doublings / 2
    if lock.whole == me:                    # and not this very turn, before a visit
        doublings = min(doublings + 1, <uint64_t>LONGEST_TURN)
    lock.whole = owner
    return doublings


cdef inline void turn_wait(TurnLock* lock, uint64_t me) noexcept nogil:
    """Take a lock that is held, or was held by another thread."""
    cdef unsigned tries = 0
    cdef int64_t nap_ns = TURN_NAP_NS, slept_ns = 0
    cdef bint is_mine = False
    cdef uint64_t calls
    while True:
        calls = load_relaxed(&lock.calls)
        is_mine = is_mine or load_relaxed(&lock.owner) == me
        if calls & 1:
            backoff(&tries)
        elif not is_mine:
            is_mine = slept_ns >= TURN_NS << load_relaxed(&lock.doublings) or turn_is_over(lock, calls, slept_ns != 0)
            if not is_mine:
                nap(nap_ns)
                slept_ns += nap_ns
                nap_ns = min(2 * nap_ns, LONGEST_NAP_NS)
        elif cas_acquire(&lock.calls, &calls, calls + 1):      # pairs with turn_unlock
            break
    if load_relaxed(&lock.owner) != me:
        turn_begin(lock, me, calls)


cdef inline void turn_lock(TurnLock* lock) noexcept nogil:
    cdef uint64_t me = this_thread()
    cdef uint64_t calls = load_relaxed(&lock.calls) & ~<uint64_t>1
    if not likely(load_relaxed(&lock.owner) == me and cas_acquire(&lock.calls, &calls, calls + 1)):
        turn_wait(lock, me)


cdef inline void turn_unlock(TurnLock* lock) noexcept nogil:
    store_release(&lock.calls, load_relaxed(&lock.calls) + 1)
