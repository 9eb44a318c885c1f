"""`Subscription`: the records of an engine as they come, all of them or the latest of each symbol."""

import time

import numpy as np

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free

from pricecore.delivery.changes cimport changes_follow, changes_free, changes_new, changes_take
from pricecore.delivery.ring cimport Copied, ring_copy, ring_of, ring_sequence
from pricecore.delivery.waiting cimport announce, sleep_while, wake_all
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport name_count
from pricecore.primitives.atomics cimport backoff, load_acquire, store_release
from pricecore.primitives.segment cimport segment_at
from pricecore.types cimport KIND_QUOTE, Record

from pricecore.dtypes import RECORD_DTYPE
from pricecore.delivery.subscription_stats import SubscriptionStats
from pricecore.errors import EngineClosedError, RingFullError

cnp.import_array()

MAX_ITEMS = 1 << 20
_LOOK_UP_S = 0.2            # a sleeper sees a signal, a dead writer or a close at least that often


cdef class Subscription:
    """Follows an engine from one thread. Made by `subscribe` of an engine or a view.

    Threads: one owner; `close` and `stats` any. Cost: the writer does no work for it, except one system call when it
    sleeps; "conflate" takes 26 bytes a place in the symbol table, and a filter one more.
    """

    def __cinit__(self, Segment segment not None, SymbolTable symbol_table not None, WaitRoom waits not None, *,
                  check, wants=None, bint conflates=True, start=None, bint raises_on_lag=False):
        self.segment = segment
        self.symbol_table = symbol_table
        self.waits = waits
        self.check = check
        self.wants = wants
        self.conflates = conflates
        self.raises_on_lag = raises_on_lag
        self.ring = ring_of(&segment.layout)
        self.slots = <Slot*>segment_at(&segment.layout, segment.layout.offsets.slots)
        self.position = ring_sequence(&self.ring) if start is None else start - 1
        if conflates and not changes_new(&self.changes, segment.layout.geometry.max_symbols):
            raise MemoryError("no memory for a subscription")
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
            A copy, of RECORD_DTYPE (QUOTE_DTYPE names the figures of quotes); empty when none came in time. Ascending
            by sequence with "all". With "conflate" in the order in which the symbols' news came.

        Raises
        ------
        EngineClosedError, WriterDiedError
            Nothing will come any more, and all that came was returned.
        RingFullError
            With ``on_lag="raise"``: records were lost; the next call goes on behind them.

        Threads: the owner. Cost: waits only as asked, without the GIL; allocates the array; copies 64 bytes a record.
        """
        cdef uint64_t wanted_items = check_items(max_items)
        cdef double nap_s
        cdef uint64_t count, lost = self.lost, position = self.position
        cdef cnp.ndarray out = np.empty(wanted_items, RECORD_DTYPE)
        cdef uint64_t* records = <uint64_t*>cnp.PyArray_DATA(out)
        deadline_s = None if timeout_s is None else time.monotonic() + check_timeout(timeout_s)
        while True:
            self.judge_symbols()
            with nogil:
                count = self.next_records(records, wanted_items)
            if self.raises_on_lag and self.lost != lost:
                self.position = position + self.lost - lost     # what was copied behind the gap comes again
                raise RingFullError(
                    f"{self.lost - lost:,} records were overwritten before this subscription took them; it goes on at "
                    f"sequence {self.position + 1:,}. Poll more often, or make the engine with a larger ring_capacity")
            if count:
                self.delivered += count
                return out[:count]
            if self.closed:
                raise EngineClosedError("this subscription is closed")
            self.check()
            left_s = _LOOK_UP_S if deadline_s is None else deadline_s - time.monotonic()
            if left_s <= 0:
                return out[:0]
            nap_s = min(left_s, _LOOK_UP_S)
            with nogil:
                self.sleep(nap_s)
            PyErr_CheckSignals()

    cdef int judge_symbols(self) except -1:
        """Ask the filter about symbols that are new since the last look."""
        cdef uint64_t count = name_count(&self.symbol_table.names)
        if self.wanted == NULL:
            return 0
        while self.judged < count:
            self.wanted[self.judged] = bool(self.wants(self.symbol_table.name_of(self.judged)))
            self.judged += 1
        return 0

    cdef uint64_t next_records(self, uint64_t* out, uint64_t n) noexcept nogil:
        """Copy at most n records that this subscription delivers; return how many."""
        cdef Copied copied
        cdef uint64_t kept = 0
        if self.conflates:
            changes_follow(
                &self.changes, &self.ring, &self.position, self.slots, name_count(&self.symbol_table.names))
            return changes_take(&self.changes, self.slots, out, n)
        while kept == 0:
            copied = ring_copy(&self.ring, &self.position, out, n)
            self.lost += copied.lost
            if copied.count == 0 and copied.lost == 0:
                return 0
            kept = self.keep_wanted(out, copied.count)
        return kept

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

    cdef bint is_news(self) noexcept nogil:
        """Something was published behind our position, or is about to be."""
        return ring_sequence(&self.ring) != self.position

    cdef void sleep(self, double timeout_s) noexcept nogil:
        """Wait until a ticket is taken, at the most `timeout_s`; while one is taken and not published, a little."""
        cdef uint64_t seen = self.position
        cdef unsigned tries = 64                    # past spinning: its writer may need this core
        if self.waits.page == NULL:                 # nobody will wake us
            tries = 128
            backoff(&tries)
            return
        announce(self.waits.page)
        if self.is_news() or load_acquire(&self.closed_):
            backoff(&tries)
            return
        sleep_while(self.ring.ticket, seen, <int64_t>(timeout_s * 1e9))

    @property
    def closed(self):
        """True after `close`."""
        return load_acquire(&self.closed_) != 0

    def close(self):
        """End the subscription; its owner's `poll` returns what it has and then raises. Threads: any."""
        store_release(&self.closed_, 1)
        wake_all(self.ring.ticket)

    def stats(self):
        """Return how it goes: delivered, conflated, lost, and how far behind the newest record it is.

        Returns
        -------
        SubscriptionStats

        Threads: any. Cost: microseconds.
        """
        cdef uint64_t newest = ring_sequence(&self.ring)
        return SubscriptionStats(
            delivered=self.delivered, conflated=self.changes.conflated, lost=self.lost,
            lag_records=newest - self.position if newest > self.position else 0)

    def __iter__(self):
        return self

    def __next__(self):
        """Return the next batch, waiting for it; the iteration ends with the subscription."""
        try:
            return self.poll(1024, None)
        except EngineClosedError:
            raise StopIteration from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


cdef uint64_t check_items(object max_items) except 0:
    if not isinstance(max_items, int) or isinstance(max_items, bool):
        raise TypeError(f"max_items must be an int, not {max_items!r}")
    if not 1 <= max_items <= MAX_ITEMS:
        raise ValueError(f"max_items is {max_items}; it must lie between 1 and {MAX_ITEMS:,}")
    return max_items


cdef double check_timeout(object timeout_s) except -1.0:
    cdef double seconds = timeout_s
    if not seconds >= 0:
        raise ValueError(f"timeout_s is {timeout_s!r}; it must be zero or more seconds, or None to wait for ever")
    return seconds
