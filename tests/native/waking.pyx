"""Sleeping and waking without the GIL: a writer that pings, a reader that sleeps until it does, broken twins of both.

The reader sleeps as a thread does, on the ticket counter, or as an event loop does, watching the file of the page.
Whoever misses a wake sleeps until its timeout: the sleeps that last so long are counted.

A ticket that is taken with a store waits in the writer's processor for lines that the reader has: it makes the writer's
look overtake its ticket now and then, so that the reader does not see it before its second look.

Where a twin could be lucky the two wait for each other at the faulty moment: it misses the first wake, on any machine.
"""

import os

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
from pricecore.primitives.waiting cimport (
    LOOPS, THREADS, Sleeper, WaitPage, WaitRoom, announce, forget_rings, new_sleeper, sleep_in_turn, wake_all,
    wake_readers, wake_to_close,
)

from pricecore.primitives.waiting import SETTLE_S

cdef extern from "poll.h" nogil:
    cdef struct pollfd:
        int fd
        short events
    int poll(pollfd* files, unsigned long count, int timeout_ms)
    enum: POLLIN

cdef enum:
    LATE_ANNOUNCEMENT = 1           # the reader looks first, and then says that it will sleep
    EARLY_LOOK = 2                  # the writer looks at the flag before it takes the ticket
    SAME_TURN = 3                   # the writer takes the flag down and begins no turn
    LATE_LOOK = 4                   # no fault: the writer is slow between the ticket and its look
    ONE_LOOK = 5                    # the reader takes its first look for the last one
    BETWEEN = 6                     # no fault: the writer comes between the reader's last look and its sleep
    LATE_STORE = 7                  # no fault: the ticket lingers from the writer's look to the reader's first one
    LATE_STORE_ONE_LOOK = 8

cdef enum:
    LINE = 16                       # words: two cache lines, which processors may fetch together
    CELLS = 8                       # other lines that the writer's stores wait for, before the ticket

cdef class PingPong:
    """A ticket counter, the reader's answer, and the page between them.

    Parameters
    ----------
    watches : bool
        The reader sleeps as an event loop.
    stores : bool
        The writer takes its tickets with a store.
    """

    cdef WaitRoom room
    cdef Sleeper sleeper
    cdef pollfd file                # that the reader watches; fd -1: it sleeps on the ticket
    cdef bint stores
    cdef uint64_t[LINE * 2] ticket
    cdef uint64_t[LINE * 2] answer
    cdef uint64_t[LINE * 2] over
    cdef uint64_t[LINE * (CELLS + 1)] cells
    cdef uint64_t writer_looked     # rounds: of those who wait for each other at the faulty moment
    cdef uint64_t reader_looked
    cdef uint64_t published

    def __init__(self, bint watches, bint stores):
        self.room = WaitRoom()
        self.sleeper = new_sleeper(SETTLE_S)
        self.stores = stores
        self.file.fd = self.room.watch() if watches else -1
        self.file.events = POLLIN

    def __dealloc__(self):
        if self.file.fd >= 0:
            os.close(self.file.fd)

    cdef void publish(self, uint64_t i, int fault) noexcept nogil:
        if fault == EARLY_LOOK or fault == LATE_STORE or fault == LATE_STORE_ONE_LOOK:
            self.publish_early(i)
            return
        if fault == LATE_ANNOUNCEMENT or fault == SAME_TURN or fault == BETWEEN:
            self.await_round(&self.reader_looked, i)
        self.take_ticket()
        if fault == LATE_LOOK:
            self.gap()
        if fault == SAME_TURN:
            self.wake_in_the_same_turn()
        else:
            wake_readers(self.room.page, &self.room.bell)
        store_release(&self.published, i + 1)

    cdef void publish_early(self, uint64_t i) noexcept nogil:
        """The look is before the ticket, and the reader's between the two."""
        cdef bint sleeps = load_relaxed(&self.room.page.sleepers) != 0
        store_release(&self.writer_looked, i + 1)
        self.await_round(&self.reader_looked, i)
        self.take_ticket()
        if sleeps:
            wake_to_close(self.room.page, &self.room.bell)
        store_release(&self.published, i + 1)

    cdef void wake_in_the_same_turn(self) noexcept nogil:
        cdef WaitPage* page = self.room.page
        if load_relaxed(&page.sleepers) and exchange_seq_cst(&page.sleepers, 0):
            wake_all(&page.turn)

    cdef void await_round(self, const uint64_t* rounds, uint64_t i) noexcept nogil:
        """Wait until the other side has come so far in round i, or has ended."""
        cdef unsigned tries = 0
        while load_acquire(rounds) <= i and not load_acquire(&self.over[LINE]):
            backoff(&tries)

    cdef void take_ticket(self) noexcept nogil:
        cdef uint64_t k, taken = load_relaxed(&self.ticket[LINE])
        if not self.stores:
            fetch_add_relaxed(&self.ticket[LINE], 1)
            return
        for k in range(<uint64_t>CELLS):
            store_relaxed(&self.cells[LINE * k], taken)
        store_release(&self.ticket[LINE], taken + 1)

    cdef void gap(self) noexcept nogil:
        """Wide enough to be met soon."""
        cdef uint64_t k
        for k in range(300):
            store_relaxed(&self.over[0], k)

    def ping(self, uint64_t rounds, int fault):
        """Publish `rounds` times, each once the one before was answered."""
        cdef uint64_t i, k
        cdef unsigned tries
        with nogil:
            for i in range(rounds):
                for k in range(i % 97):         # another moment every time
                    store_relaxed(&self.over[0], k)
                self.publish(i, fault)
                tries = 0
                while load_acquire(&self.answer[LINE]) != i + 1 and not load_acquire(&self.over[LINE]):
                    backoff(&tries)
                if load_acquire(&self.over[LINE]):
                    break

    def sleep(self, uint64_t rounds, int64_t timeout_ns, int fault):
        """Sleep until each of `rounds`; return how many wakes were missed: at the most one, it ends then."""
        cdef uint64_t i, k, missed = 0
        with nogil:
            for i in range(rounds):
                for k in range(i % (CELLS + 1)):
                    store_relaxed(&self.cells[LINE * k], 0)
                while load_acquire(&self.ticket[LINE]) == i and not missed:
                    missed += self.is_missed(i, timeout_ns, fault)
                if missed:
                    break
                store_release(&self.answer[LINE], i + 1)
            store_release(&self.over[LINE], 1)
        return missed

    cdef bint is_missed(self, uint64_t i, int64_t timeout_ns, int fault) noexcept nogil:
        """As SubscriptionCore.doze; whether it slept until its timeout."""
        cdef int64_t before_ns, settling_ns = 0
        if fault == EARLY_LOOK or fault == LATE_STORE or fault == LATE_STORE_ONE_LOOK:
            self.await_round(&self.writer_looked, i)
        if fault != LATE_ANNOUNCEMENT:
            settling_ns = self.say_asleep()
        if load_acquire(&self.ticket[LINE]) != i:
            return False
        if fault == ONE_LOOK or fault == LATE_STORE_ONE_LOOK:
            settling_ns = 0
        self.have_looked(i, settling_ns, fault)
        if fault == LATE_ANNOUNCEMENT:
            self.say_asleep()                     # and believes what it saw
        before_ns = clock_ns(CLOCK_STEADY)
        self.doze(min(timeout_ns, settling_ns) if settling_ns else timeout_ns)
        return clock_ns(CLOCK_STEADY) - before_ns >= timeout_ns

    cdef void have_looked(self, uint64_t i, int64_t settling_ns, int fault) noexcept nogil:
        """Let the writer go on that waits for this look, and have it publish before we sleep."""
        if fault == 0 or fault == LATE_LOOK or fault == ONE_LOOK or (settling_ns and fault != LATE_STORE):
            return
        store_release(&self.reader_looked, i + 1)
        self.await_round(&self.published, i)

    cdef int64_t say_asleep(self) noexcept nogil:
        return announce(self.room.page, THREADS if self.file.fd < 0 else LOOPS, &self.sleeper)

    cdef void doze(self, int64_t timeout_ns) noexcept nogil:
        if self.file.fd < 0:
            sleep_in_turn(self.room.page, &self.sleeper, timeout_ns)
            return
        poll(&self.file, 1, <int>((timeout_ns + 999_999) / 1_000_000))
        forget_rings(self.file.fd)


def lose_flag(WaitRoom room not None):
    """Have the writer see nobody who sleeps, as one whose look overtook its ticket."""
    store_relaxed(&room.page.sleepers, 0)
