"""The compiled half of `Subscription`: takes the records of an engine as they come, and sleeps until they do."""

import os

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport Py_INCREF
from libc.stdint cimport INT64_MAX, UINT64_MAX, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free

from pricecore.delivery.changes cimport (
    changes_follow, changes_free, changes_look_at_slots, changes_new, changes_take,
)
from pricecore.delivery.ring cimport Copied, ring_copy, ring_of, ring_sequence
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport NameTable, SymbolTable, name_count
from pricecore.primitives.atomics cimport backoff, cas_acquire, load_acquire, store_release
from pricecore.primitives.clock cimport CLOCK_STEADY, CLOCK_WALL, clock_ns
from pricecore.primitives.segment cimport Segment, segment_at
from pricecore.primitives.waiting cimport WaitRoom, announce, nap, sleep_while, wake_all
from pricecore.types cimport KIND_QUOTE, RECORD_WORDS, Record

from pricecore.delivery.limits import MAX_ITEMS, check_items, check_seconds, check_start
from pricecore.delivery.subscription_stats import SubscriptionStats
from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import EngineClosedError, LaggedError, PricecoreError

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_Empty(int dimensions, cnp.npy_intp* sizes, cnp.dtype dtype, int fortran)

cdef enum:
    NAP_NS = 50_000
    MAX_NAPS = 20           # so a millisecond
    CLOSED = 1              # as the engine's status says it
    FEW = 256               # records whose copy is shorter than giving the GIL away and getting it back
    CHECK_NS = 50_000_000   # an empty poll asks no oftener whether the writer lives

LOOK_UP_S = 0.2             # a sleeper sees a signal or a dead writer at least that often
NOTHING = np.empty(0, RECORD_DTYPE)
cdef cnp.dtype RECORD = RECORD_DTYPE


cdef inline bint has_ended(const uint64_t* closed) noexcept nogil:
    """Of a subscription, or its source (whose status it is). Pairs with close."""
    return load_acquire(closed) == CLOSED


cdef inline void leave(uint64_t* polling) noexcept nogil:
    """Let the next poll in; pairs with the one that enters."""
    store_release(polling, 0)


@cython.no_gc_clear             # it keeps pointers into what it holds
cdef class SubscriptionCore:
    """What `Subscription` is made of; see there."""

    def __cinit__(self, Segment segment not None, SymbolTable symbols not None, WaitRoom waits not None, *,
                  check, wants=None, bint conflates=True, start="now", bint raises_on_lag=False):
        self.segment = segment
        self.symbol_table = symbols
        self.waits = waits
        self.page = waits.page
        self.check = check
        self.wants = wants
        self.conflates = conflates
        self.raises_on_lag = raises_on_lag
        self.ring = ring_of(&segment.layout)
        self.slots = <Slot*>segment_at(&segment.layout, segment.layout.offsets.slots)
        self.gate = &self.closed_       # until `follow` names one
        self.last = UINT64_MAX
        self.pid = os.getpid()
        self.position = check_start(start, ring_sequence(&self.ring)) - 1
        if conflates and not changes_new(&self.changes, segment.layout.geometry.max_symbols):
            raise MemoryError("no memory for a subscription")
        self.changes.floor = self.position
        if wants is not None:
            self.wanted = <uint8_t*>calloc(segment.layout.geometry.max_symbols, 1)
            if self.wanted == NULL:
                raise MemoryError("no memory for the filter of a subscription")
        self.changes.wanted = self.wanted

    def __dealloc__(self):
        changes_free(&self.changes)
        free(self.wanted)

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
        try:
            return self.take_until(items, deadline_ns)
        finally:
            leave(&self.polling)

    cdef void follow(self, const uint64_t* gate) noexcept:
        """Name the word that says when the source of this subscription is closed; `check` keeps it alive."""
        self.gate = gate

    cdef int enter(self) except -1:
        cdef uint64_t nobody = 0
        if cas_acquire(&self.polling, &nobody, 1):      # pairs with leave
            return 0
        if os.getpid() == self.pid:
            raise RuntimeError("another thread polls this subscription: give each thread one of its own")
        self.pid = os.getpid()                          # a forked child: that thread is not here
        return 0

    cdef object take_until(self, uint64_t n, int64_t deadline_ns):
        cdef int64_t now_ns
        while True:
            if has_ended(&self.closed_):
                raise EngineClosedError("this subscription is closed")
            out = self.take(n)
            if out is not NOTHING:
                return out
            now_ns = clock_ns(CLOCK_STEADY)
            if now_ns - self.checked_ns >= CHECK_NS:
                self.checked_ns = now_ns
                out = self.check_then_take(n)
                if out is not NOTHING:
                    return out
            if now_ns >= deadline_ns:
                return new_records(0)
            self.sleep(min(deadline_ns - now_ns, <int64_t>(<double>LOOK_UP_S * 1e9)))
            PyErr_CheckSignals()

    cdef object take(self, uint64_t n):
        """Return the next records, at the most n; NOTHING when there are none."""
        cdef cnp.ndarray out
        if not self.is_news():
            return NOTHING
        out = self.take_changes(n) if self.conflates else self.take_records(n)
        if cnp.PyArray_DIM(out, 0) == 0:
            return NOTHING
        self.naps = self.tries = 0
        self.delivered += <uint64_t>cnp.PyArray_DIM(out, 0)
        return out

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

    cdef object take_changes(self, uint64_t n):
        """Return the latest records of at most n keys with news."""
        cdef cnp.ndarray out
        cdef uint64_t* records
        cdef uint64_t count
        self.follow_changes()
        count = min(n, self.changes.count)
        out = new_records(count)
        records = <uint64_t*>cnp.PyArray_DATA(out)
        if count <= FEW:
            count = changes_take(&self.changes, self.slots, records, count)
        else:
            with nogil:
                count = changes_take(&self.changes, self.slots, records, count)
        return shortened(out, count)

    cdef int follow_changes(self) except -1:
        cdef const NameTable* names = &self.symbol_table.names
        cdef bint all_seen = False
        cdef uint64_t last
        while not all_seen:
            last = self.newest()
            if last - self.position <= FEW:
                all_seen = changes_follow(&self.changes, &self.ring, &self.position, last, names)
            else:
                with nogil:
                    all_seen = changes_follow(&self.changes, &self.ring, &self.position, last, names)
            if not all_seen or self.changes.lapped:
                self.judge_symbols()
        if self.changes.lapped:
            with nogil:
                changes_look_at_slots(&self.changes, self.slots, names)
        return 0

    cdef object take_records(self, uint64_t n):
        """Return the wanted ones of the next records, n of them when so many are published."""
        cdef uint64_t newest = self.newest()
        cdef uint64_t rows = min(n, newest - self.position) if newest > self.position else 0
        cdef cnp.ndarray out = new_records(rows)
        cdef uint64_t* records = <uint64_t*>cnp.PyArray_DATA(out)
        cdef uint64_t kept = 0
        cdef uint64_t before
        cdef Copied copied
        while kept < rows and self.position < newest:
            before = self.position
            if rows - kept <= FEW:
                copied = ring_copy(&self.ring, &self.position, records + kept * RECORD_WORDS, rows - kept)
            else:
                with nogil:
                    copied = ring_copy(&self.ring, &self.position, records + kept * RECORD_WORDS, rows - kept)
            if copied.lost and self.raises_on_lag:
                if kept:
                    self.position = before          # first what was taken, then the error
                    break
                self.position -= copied.count       # to be copied again behind the error
            if copied.lost:
                self.tell_lag(copied.lost)
            if copied.count == 0:
                break
            self.judge_symbols()
            if copied.count <= FEW:
                kept += self.keep_wanted(records + kept * RECORD_WORDS, copied.count)
            else:
                with nogil:
                    kept += self.keep_wanted(records + kept * RECORD_WORDS, copied.count)
        return shortened(out, kept)

    cdef int tell_lag(self, uint64_t lost) except -1:
        self.lost += lost
        if self.raises_on_lag:
            raise LaggedError(lost, self.position + 1)
        return 0

    cdef int judge_symbols(self) except -1:
        """Ask the filter about symbols that are new since the last look."""
        cdef uint64_t count
        if self.wanted == NULL:
            return 0
        count = name_count(&self.symbol_table.names)
        while self.judged < count:
            self.wanted[self.judged] = bool(self.wants(self.symbol_table.name_of(<unsigned int>self.judged)))
            self.judged += 1
        self.changes.judged = self.judged
        return 0

    cdef uint64_t keep_wanted(self, uint64_t* out, uint64_t n) noexcept nogil:
        """Close the gaps of records that are no prices or quotes, or of symbols that are not wanted."""
        cdef Record* records = <Record*>out
        cdef uint64_t i, kept = 0
        for i in range(n):
            if records[i].kind <= KIND_QUOTE and (
                    self.wanted == NULL or (records[i].symbol_id < self.judged and self.wanted[records[i].symbol_id])):
                if kept != i:
                    records[kept] = records[i]
                kept += 1
        return kept

    cdef uint64_t newest(self) noexcept nogil:
        """The last sequence that is ours: once the source is closed, what another writer adds is not."""
        if self.last == UINT64_MAX and has_ended(self.gate):
            self.last = ring_sequence(&self.ring)
        return min(self.last, ring_sequence(&self.ring))

    cdef bint is_news(self) noexcept nogil:
        """Something was published behind our position, or is about to be, or waits to be taken."""
        return self.newest() > self.position or self.changes.count != 0

    cdef int sleep(self, int64_t timeout_ns) except -1:
        """Wait until a ticket is taken, at the most so long; while one is taken and not published, a little."""
        with nogil:
            self.doze(timeout_ns)
        return 0

    cdef void doze(self, int64_t timeout_ns) noexcept nogil:
        cdef uint64_t seen = self.position
        if self.page == NULL:                 # nobody would wake us
            self.naps = min(self.naps + 1, MAX_NAPS)
            nap(min(self.naps * NAP_NS, timeout_ns))
            return
        announce(self.page)
        if self.is_news() or has_ended(&self.closed_):
            self.tries = max(self.tries, 64)        # past spinning: its writer may need this core
            backoff(&self.tries)
            return
        sleep_while(self.ring.ticket, seen, timeout_ns)
        self.checked_ns = 0                         # whatever ended it: ask

    @property
    def has_news(self):
        """True when a record may be there for the next `poll`. Threads: any. Cost: one load."""
        return self.is_news()

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

        Threads: any; a second call does nothing. Cost: one system call.
        """
        store_release(&self.closed_, 1)         # pairs with has_ended
        wake_all(self.ring.ticket)

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
            lag_records=lag, lag_s=self.age_s(position) if lag else 0.0)

    cdef double age_s(self, uint64_t position) except -1.0:
        """Return how long ago the engine took the first price or quote behind `position` that is still there."""
        cdef Record record
        cdef uint64_t* words = <uint64_t*>&record
        while ring_copy(&self.ring, &position, words, 1).count:
            if record.kind <= KIND_QUOTE:
                return max(0.0, (clock_ns(CLOCK_WALL) - record.received_ns) / 1e9)
        return 0.0


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


cdef cnp.ndarray new_records(uint64_t count):
    """As np.empty(count, RECORD_DTYPE), in a third of the time."""
    cdef cnp.npy_intp dimension = <cnp.npy_intp>count
    Py_INCREF(RECORD)                   # PyArray_Empty takes the reference that it is given
    return PyArray_Empty(1, &dimension, RECORD, 0)


cdef object shortened(cnp.ndarray out, uint64_t count):
    """Return the first `count` rows; a few rows must not keep the memory of many alive."""
    cdef uint64_t rows = len(out)
    if count == rows:
        return out
    return out[:count].copy() if 2 * count < rows else out[:count]
