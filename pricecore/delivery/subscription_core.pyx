"""The compiled half of `Subscription`: takes the records of an engine as they come, and sleeps until they do."""

import os

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT64_MAX, int64_t, uint64_t

from pricecore.delivery.follower cimport Follower, has_ended, new_records
from pricecore.delivery.follower_group cimport (
    FollowerGroup, Told, age_behind_s, place_close, place_leave, place_open, place_tell, place_told,
)
from pricecore.delivery.ring cimport ring_sequence
from pricecore.primitives.atomics cimport backoff, cas_acquire, store_release
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns
from pricecore.primitives.waiting cimport THREADS, WaitRoom, announce, nap, new_sleeper, sleep_in_turn, wake_to_close

from pricecore.delivery.follower import NOTHING
from pricecore.delivery.limits import MAX_ITEMS, check_items, check_seconds
from pricecore.delivery.subscription_stats import SubscriptionStats
from pricecore.errors import EngineClosedError, PricecoreError
from pricecore.primitives.waiting import SETTLE_S

cdef enum:
    NAP_NS = 50_000
    MAX_NAPS = 20           # so a millisecond
    CHECK_NS = 50_000_000   # an empty poll asks no oftener whether the writer lives

LOOK_UP_S = 0.2             # a sleeper sees a signal or a dead writer at least that often
cdef uint64_t this_process = 1      # one more than forks led to it: none of those before it has this number


def _count_fork():
    global this_process
    this_process += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


cdef inline void leave(uint64_t* polling) noexcept nogil:
    """Let the next poll in; pairs with the one that enters."""
    store_release(polling, 0)


@cython.no_gc_clear             # it keeps pointers into what it holds
cdef class SubscriptionCore(Follower):
    """What `Subscription` is made of; see there."""

    def __cinit__(self, segment, symbols, WaitRoom waits not None, *, check, name=None, **_):  # the rest is Follower's
        self.waits = waits
        self.name = name
        self.page = waits.page
        self.sleeper = new_sleeper(SETTLE_S)
        self.check = check

    def __dealloc__(self):
        if self.place != NULL:
            place_leave(self.place)

    cdef int join(self, FollowerGroup group) except -1:
        """Tell how it goes in this group from now on; once, before anybody polls."""
        self.place = group.take()
        self.group = group
        self.before = place_told(self.place)
        self.tell()
        place_open(self.place)
        return 0

    cdef void tell(self) noexcept nogil:
        cdef Told told
        if self.place == NULL:
            return
        told.delivered = self.before.delivered + self.delivered
        told.conflated = self.before.conflated + self.changes.conflated
        told.lost = self.before.lost + self.lost
        place_tell(self.place, self.position, &told)

    def poll(self, max_items=1024, timeout_s=0.0):
        """Return the next records.

        Parameters
        ----------
        max_items : int
            At most so many, 1 to 1,048,576.
        timeout_s : float or None
            How long to wait for the first; 0.0: not at all, None: until one comes.

        Returns
        -------
        numpy.ndarray
            One-dimensional, of RECORD_DTYPE (``.view(QUOTE_DTYPE)`` names the figures of quotes), a copy of its own;
            empty when nothing came in time. Mode "all": ascending by sequence. Mode "conflate": in the order in which
            the symbols' news came.

        Raises
        ------
        EngineClosedError
            The subscription was closed; or its engine or view was, and all that came until then was returned.
        WriterDiedError
            The writing process is gone, and all that came was returned. When the next writer continues the segment,
            a later poll goes on. When the segment was removed or replaced, none does: subscribe again.
        LaggedError
            With ``on_lag="raise"``: records were lost; the next poll goes on behind them.
        RuntimeError
            Another thread is inside `poll`.

        Threads: one at a time. Cost: waits only as asked, without the GIL; allocates the array; copies 64 bytes a
        record.
        """
        cdef uint64_t items = items_of(max_items)
        cdef int64_t deadline_ns = deadline_of(timeout_s)
        self.enter()
        self.naps = self.tries = 0
        try:
            return self.take_until(items, deadline_ns)
        finally:
            self.tell()
            leave(&self.polling)

    cdef int enter(self) except -1:
        cdef uint64_t inside = 0
        while not cas_acquire(&self.polling, &inside, this_process):    # pairs with leave
            if inside == this_process:
                raise RuntimeError("another thread polls this subscription: give each thread one of its own")
            # Else it is a thread of a process that forked us: it is not here.
        return 0

    cdef object take_until(self, uint64_t n, int64_t deadline_ns):
        cdef int64_t now_ns
        while True:
            if has_ended(&self.closed_):
                raise EngineClosedError("this subscription is closed")
            out = self.take(n)
            if out is not NOTHING:
                return out
            self.make_spare()
            now_ns = clock_ns(CLOCK_STEADY)
            if now_ns - self.checked_ns >= CHECK_NS or has_ended(self.gate):
                self.checked_ns = now_ns
                out = self.check_then_take(n)
                if out is not NOTHING:
                    return out
            if now_ns >= deadline_ns:
                return new_records(0)
            self.sleep(min(deadline_ns - now_ns, <int64_t>(<double>LOOK_UP_S * 1e9)))
            PyErr_CheckSignals()

    cdef object check_then_take(self, uint64_t n):
        """Raise when nothing will come any more, but not before the last that came is taken."""
        try:
            self.check()
        except PricecoreError:
            out = self.take(n)
            if out is NOTHING:
                raise
            return out
        return NOTHING

    cdef int sleep(self, int64_t timeout_ns) except -1:
        """Wait until a ticket is taken, at the most so long; while one is taken and not published, a little."""
        self.tell()                                 # it has looked at what it did not want
        with nogil:
            self.doze(timeout_ns)
        return 0

    cdef void doze(self, int64_t timeout_ns) noexcept nogil:
        cdef int64_t settling_ns
        if self.page == NULL:                 # nobody would wake us
            self.naps = min(self.naps + 1, MAX_NAPS)
            nap(min(self.naps * NAP_NS, timeout_ns))
            return
        settling_ns = announce(self.page, THREADS, &self.sleeper)
        if has_ended(&self.closed_) or has_ended(self.gate):
            return
        if self.is_news():
            self.tries = max(self.tries, 64)        # past spinning: its writer may need this core
            backoff(&self.tries)
            return
        sleep_in_turn(self.page, &self.sleeper, min(timeout_ns, settling_ns) if settling_ns else timeout_ns)
        self.checked_ns = 0                         # whatever ended it: ask

    @property
    def has_news(self):
        """True when a record may be there for the next `poll`, or none will come. Threads: any. Cost: some loads."""
        return self.is_news() or has_ended(&self.closed_) or has_ended(self.gate)

    def symbol(self, symbol_id):
        """Return the name of a symbol of this stream. Ids of another segment, after a new beginning, are other ones.

        Raises
        ------
        UnknownSymbolError
            No symbol has this id. TypeError: it is no int.

        Threads: any. Cost: allocates the name.
        """
        return self.symbol_table.name_of(self.symbol_table.check_id(symbol_id))

    @property
    def next_sequence(self):
        """The sequence that is looked at next. Threads: any."""
        return self.position + 1

    @property
    def closed(self):
        """True after `close`. Threads: any."""
        return has_ended(&self.closed_)

    def close(self):
        """End the subscription: a `poll` that waits, and every later one, raises EngineClosedError.

        Threads: any; a second call does nothing. Cost: one or two system calls.
        """
        store_release(&self.closed_, 1)         # pairs with has_ended
        if self.place != NULL:
            place_close(self.place)
        wake_to_close(self.page, &self.waits.bell)

    def stats(self):
        """Return how it goes: what was delivered, conflated and lost, and how far behind the newest record it is.

        Returns
        -------
        SubscriptionStats

        Threads: any. Cost: microseconds; the writer does not notice.
        """
        cdef uint64_t newest = ring_sequence(&self.ring)
        cdef uint64_t position = self.position
        cdef uint64_t lag = newest - position if newest > position else 0
        return SubscriptionStats(
            delivered=self.delivered, conflated=self.changes.conflated, lost=self.lost, pending=self.changes.count,
            lag_records=lag, lag_s=age_behind_s(&self.ring, position) if lag else 0.0)


cdef uint64_t items_of(object max_items) except 0:
    if type(max_items) is int and 0 < max_items <= MAX_ITEMS:
        return max_items
    return check_items(max_items)


cdef int64_t deadline_of(object timeout_s) except -1:
    """Return when a poll has to end, by the steady clock: 0 at once, INT64_MAX never."""
    if timeout_s is None:
        return INT64_MAX
    if type(timeout_s) is float and timeout_s == 0.0:
        return 0
    cdef double seconds = check_seconds("timeout_s", timeout_s)
    return clock_ns(CLOCK_STEADY) + <int64_t>(seconds * 1e9) if seconds else 0
