"""Sleeping and waking without the GIL: a writer that pings, a reader that sleeps until it does, broken twins of both.

The reader sleeps as a thread does, on the ticket counter, or as an event loop does, watching the file of the page.
Whoever misses a wake sleeps until its timeout: the sleeps that last so long are counted.
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
    LOOPS, THREADS, WaitPage, WaitRoom, announce, choose_fences, forget_rings, sleep_in_turn, turn_of, wake_all,
    wake_readers, wake_to_close,
)

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

cdef class PingPong:
    """A ticket counter, the reader's answer, and the page between them.

    Parameters
    ----------
    watches : bool
        The reader sleeps as an event loop.
    may_store : bool
        The writer takes its tickets with a store, if the system lets it.
    """

    cdef WaitRoom room
    cdef pollfd file                # that the reader watches; fd -1: it sleeps on the ticket
    cdef uint64_t[8] ticket
    cdef uint64_t[8] answer
    cdef uint64_t[8] over

    def __init__(self, bint watches, bint may_store):
        self.room = WaitRoom()
        choose_fences(self.room.page, may_store)
        self.file.fd = self.room.watch() if watches else -1
        self.file.events = POLLIN

    def __dealloc__(self):
        if self.file.fd >= 0:
            os.close(self.file.fd)

    cdef void publish(self, int fault) noexcept nogil:
        cdef WaitPage* page = self.room.page
        cdef bint sleeps = load_relaxed(&page.sleepers) != 0
        if fault == EARLY_LOOK:
            self.gap()
        self.take_ticket()
        if fault == EARLY_LOOK:
            if sleeps:
                wake_to_close(page, &self.room.bell)
        elif fault == SAME_TURN:
            self.gap()
            if load_relaxed(&page.sleepers) and exchange_seq_cst(&page.sleepers, 0):
                wake_all(&page.turn)
        else:
            if fault == LATE_LOOK:
                self.gap()
            wake_readers(page, &self.room.bell)

    cdef void take_ticket(self) noexcept nogil:
        if load_relaxed(&self.room.page.unfenced):
            store_release(&self.ticket[0], load_relaxed(&self.ticket[0]) + 1)
        else:
            fetch_add_relaxed(&self.ticket[0], 1)

    cdef void gap(self) noexcept nogil:
        """Of a fault, wide enough to be met soon."""
        cdef uint64_t k
        for k in range(300):
            store_relaxed(&self.over[1], k)

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
        cdef uint64_t i, turn, missed = 0
        cdef int64_t before
        with nogil:
            for i in range(rounds):
                while load_acquire(&self.ticket[0]) == i and not missed:
                    turn = turn_of(self.room.page)
                    if fault != LATE_ANNOUNCEMENT:
                        self.say_asleep()
                    if load_acquire(&self.ticket[0]) == i:
                        before = clock_ns(CLOCK_STEADY)
                        self.doze(turn, timeout_ns, fault)
                        missed += clock_ns(CLOCK_STEADY) - before >= timeout_ns
                if missed:
                    break
                store_release(&self.answer[0], i + 1)
            store_release(&self.over[0], 1)
        return missed

    cdef void doze(self, uint64_t turn, int64_t timeout_ns, int fault) noexcept nogil:
        if fault == LATE_ANNOUNCEMENT:
            turn = turn_of(self.room.page)      # as one who believes what it saw
            self.say_asleep()
        if self.file.fd < 0:
            sleep_in_turn(self.room.page, turn, timeout_ns)
            return
        poll(&self.file, 1, <int>(timeout_ns / 1_000_000))
        forget_rings(self.file.fd)

    cdef void say_asleep(self) noexcept nogil:
        announce(self.room.page, THREADS if self.file.fd < 0 else LOOPS)
