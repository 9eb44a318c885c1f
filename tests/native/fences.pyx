"""A writer that takes tickets and looks at the flag, beside a reader that says it will sleep and looks at the ticket.

The writer never stops, and notes the ticket behind which it first saw the flag. The look behind the ticket that the
reader did not see any more has to be that one at the latest: had no other ticket come, the reader would sleep on. On a
processor with store buffers that fails all the time where nobody fences: the writer's store waits for lines that the
reader has, while its load is served at once.
"""

from libc.stdint cimport uint64_t

from pricecore.primitives.atomics cimport (
    backoff, exchange_seq_cst, fetch_or_acq_rel, load_acquire, load_relaxed, store_relaxed, store_release,
)
from pricecore.primitives.waiting cimport (
    THREADS, WaitPage, WaitRoom, announce, choose_fences, fence_others, is_announced, turn_of, wake_announced,
)

cdef enum:
    RIGHT = 0
    NO_FENCE = 1                    # the reader leaves the writer's fence out
    EARLY_FENCE = 2                 # it has the writer fence before it says that it will sleep
    LATE_FENCE = 3                  # it looks first

cdef enum:
    LINE = 16                       # words: two cache lines, which processors may fetch together
    CELLS = 8                       # other lines that the writer's stores wait for, before the ticket


cdef class SideBySide:
    """The words between the two.

    Parameters
    ----------
    may_store : bool
        The writer takes its tickets with a store, if the system lets it.
    """

    cdef WaitRoom room
    cdef uint64_t[LINE * 2] over
    cdef uint64_t[LINE * 2] ticket
    cdef uint64_t[LINE * 2] seen            # the ticket behind which the writer first saw the flag
    cdef uint64_t[LINE * (CELLS + 1)] cells

    def __init__(self, bint may_store):
        self.room = WaitRoom()
        choose_fences(self.room.page, may_store)

    @property
    def unfenced(self):
        return self.room.unfenced

    def write(self):
        """Take tickets until the reader has enough."""
        cdef WaitPage* page = self.room.page
        cdef uint64_t k, ticket = 0
        with nogil:
            while not load_relaxed(&self.over[LINE]):
                ticket += 1
                for k in range(<uint64_t>CELLS):
                    store_relaxed(&self.cells[LINE * k], ticket)
                if load_relaxed(&page.unfenced):            # as ring_claim_alone
                    store_release(&self.ticket[LINE], ticket)
                else:
                    exchange_seq_cst(&self.ticket[LINE], ticket)
                if is_announced(page):                      # as wake_readers
                    store_release(&self.seen[LINE], ticket)
                    wake_announced(page, &self.room.bell)

    def read(self, uint64_t rounds, int way):
        """Return the first round in which the writer did not see the flag when it had to; None: it always did."""
        cdef uint64_t i = 0
        with nogil:
            while i < rounds and not self.is_missed(way, i):
                i += 1
            store_relaxed(&self.over[LINE], 1)
        return i if i < rounds else None

    cdef bint is_missed(self, int way, uint64_t i) noexcept nogil:
        cdef uint64_t k, last, turn = turn_of(self.room.page)
        cdef unsigned tries = 0
        store_relaxed(&self.seen[LINE], 0)
        for k in range(i % (CELLS + 1)):            # another moment every time
            store_relaxed(&self.cells[LINE * k], 0)
        last = self.look(way)
        while turn_of(self.room.page) == turn or load_acquire(&self.seen[LINE]) == 0:
            backoff(&tries)
        return load_acquire(&self.seen[LINE]) > last + 1

    cdef uint64_t look(self, int way) noexcept nogil:
        """Announce, and return the last ticket that is seen then."""
        cdef uint64_t last
        if way == RIGHT:
            announce(self.room.page, THREADS)
            return load_acquire(&self.ticket[LINE])
        if way == EARLY_FENCE:
            fence_others()
        fetch_or_acq_rel(&self.room.page.sleepers, THREADS)
        last = load_acquire(&self.ticket[LINE])
        if way == LATE_FENCE:
            fence_others()
        return last


def lose_flag(WaitRoom room not None):
    """Have the writer see nobody who sleeps, as one that looked too early."""
    store_relaxed(&room.page.sleepers, 0)
