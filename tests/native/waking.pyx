"""Sleeping and waking without the GIL: a writer that pings, a reader that sleeps until it does, broken twins of both.

Whoever misses a wake sleeps until its timeout: the sleeps that last so long are counted.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport (
    backoff,
    exchange_seq_cst,
    fetch_add_relaxed,
    load_acquire,
    load_relaxed,
    store_relaxed,
    store_release,
)
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns
from pricecore.primitives.waiting cimport WaitPage, WaitRoom, announce, sleep_while, wake_all, wake_readers

cdef enum:
    LATE_ANNOUNCEMENT = 1           # the reader looks first, and then says that it will sleep
    EARLY_LOOK = 2                  # the writer looks at the flag before it takes the ticket

cdef class PingPong:
    """A ticket counter, the reader's answer, and the page between them."""

    cdef WaitRoom room
    cdef uint64_t[8] ticket
    cdef uint64_t[8] answer
    cdef uint64_t[8] over

    def __init__(self):
        self.room = WaitRoom()

    cdef void publish(self, int fault) noexcept nogil:
        cdef WaitPage* page = self.room.page
        cdef bint sleeps = load_relaxed(&page.sleepers) != 0
        cdef uint64_t k
        if fault == EARLY_LOOK:
            for k in range(300):                # its gap, wide enough to be met soon
                store_relaxed(&self.over[1], k)
        fetch_add_relaxed(&self.ticket[0], 1)
        if fault == EARLY_LOOK:
            if sleeps and exchange_seq_cst(&page.sleepers, 0):
                wake_all(&self.ticket[0])
        else:
            wake_readers(page, &self.ticket[0])

    def ping(self, uint64_t rounds, int fault):
        """Publish `rounds` times, each once the one before was answered."""
        cdef uint64_t i, k
        cdef unsigned tries
        with nogil:
            for i in range(rounds):
                for k in range(i % 97):         # another moment every time
                    store_relaxed(&self.over[1], k)
                self.publish(fault)
                tries = 0
                while load_acquire(&self.answer[0]) != i + 1 and not load_acquire(&self.over[0]):
                    backoff(&tries)
                if load_acquire(&self.over[0]):
                    break

    def sleep(self, uint64_t rounds, int64_t timeout_ns, int fault):
        """Sleep until each of `rounds`; return how many wakes were missed: at the most one, it ends then."""
        cdef uint64_t i, missed = 0
        cdef int64_t before
        with nogil:
            for i in range(rounds):
                while load_acquire(&self.ticket[0]) == i and not missed:
                    if fault != LATE_ANNOUNCEMENT:
                        announce(self.room.page)
                    if load_acquire(&self.ticket[0]) == i:
                        before = clock_ns(CLOCK_STEADY)
                        self.doze(i, timeout_ns, fault)
                        missed += clock_ns(CLOCK_STEADY) - before >= timeout_ns
                if missed:
                    break
                store_release(&self.answer[0], i + 1)
            store_release(&self.over[0], 1)
        return missed

    cdef void doze(self, uint64_t seen, int64_t timeout_ns, int fault) noexcept nogil:
        if fault == LATE_ANNOUNCEMENT:
            # As one who believes what it saw: what the futex compares is the counter of now.
            seen = load_acquire(&self.ticket[0])
            exchange_seq_cst(&self.room.page.sleepers, 1)
        sleep_while(&self.ticket[0], seen, timeout_ns)
