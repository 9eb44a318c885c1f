"""A place in the stream of an engine's records, and what is taken from there on: all of it, or what is latest."""

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.ref cimport Py_INCREF
from libc.stdint cimport UINT64_MAX, uint8_t, uint64_t
from libc.stdlib cimport calloc, free

from pricecore.delivery.changes cimport (
    changes_follow, changes_free, changes_look_at_slots, changes_new, changes_take,
)
from pricecore.delivery.ring cimport Copied, ring_copy, ring_leave_out, ring_of, ring_sequence
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport NameTable, SymbolTable, name_count
from pricecore.primitives.segment cimport Segment, segment_at
from pricecore.types cimport KIND_QUOTE, RECORD_WORDS, Record

from pricecore.delivery.limits import check_start
from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import LaggedError

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_Empty(int dimensions, cnp.npy_intp* sizes, cnp.dtype dtype, int fortran)

cdef enum:
    FEW = 256               # records whose copy is shorter than giving the GIL away and getting it back

NOTHING = np.empty(0, RECORD_DTYPE)
cdef cnp.dtype RECORD = RECORD_DTYPE
cdef uint64_t OPEN_GATE = 0     # of a source that never closes


@cython.no_gc_clear             # it keeps pointers into what it holds
cdef class Follower:
    """What `Subscription` takes its records with.

    Threads: one at a time. Cost: with conflation some bytes for each symbol there may be.
    """

    def __cinit__(self, Segment segment not None, SymbolTable symbols not None, *_,
                  wants=None, bint conflates=True, start="now", bint raises_on_lag=False, **_others):
        self.segment = segment
        self.symbol_table = symbols
        self.wants = wants
        self.conflates = conflates
        self.raises_on_lag = raises_on_lag
        self.ring = ring_of(&segment.layout)
        self.slots = <Slot*>segment_at(&segment.layout, segment.layout.offsets.slots)
        self.gate = &OPEN_GATE
        self.last = self.changes.last = UINT64_MAX
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

    cdef void follow(self, const uint64_t* gate, const uint64_t* end) noexcept:
        """Name the words that say when the source is closed, and after which record it then ends: NULL, the newest
        there is. Whoever calls keeps them alive."""
        self.gate = gate
        self.end = end

    cdef object take(self, uint64_t n):
        """Return the next records, at the most n; NOTHING when there are none."""
        cdef cnp.ndarray out
        if not self.is_news():
            return NOTHING
        out = self.take_changes(n) if self.conflates else self.take_records(n)
        if cnp.PyArray_DIM(out, 0) == 0:
            return NOTHING
        self.delivered += <uint64_t>cnp.PyArray_DIM(out, 0)
        return out

    cdef object take_changes(self, uint64_t n):
        """Return the latest records of at most n keys with news."""
        cdef cnp.ndarray out
        cdef uint64_t* records
        cdef uint64_t rows, count = 0
        self.follow_changes()
        rows = min(n, self.changes.count)
        out = self.room_for(rows)
        records = <uint64_t*>cnp.PyArray_DATA(out)
        while count == 0 and self.changes.count:
            if rows <= FEW:
                count = changes_take(&self.changes, &self.ring, self.slots, records, rows)
            else:
                with nogil:
                    count = changes_take(&self.changes, &self.ring, self.slots, records, rows)
            self.newest()                           # as in take_records
            count = keep_until(records, count, self.last)
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
            self.newest()                           # as in take_records
            with nogil:
                changes_look_at_slots(&self.changes, self.slots, self.position, names)
        return 0

    cdef object take_records(self, uint64_t n):
        """Return the wanted ones of the next records, n of them when so many are published."""
        cdef uint64_t newest = self.newest()
        cdef uint64_t rows = min(n, newest - self.position) if newest > self.position else 0
        cdef cnp.ndarray out = self.room_for(rows)
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
            self.newest()                           # closed meanwhile, another writer may have come round
            ring_leave_out(&copied, &self.position, self.last)
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

    cdef int make_spare(self) except -1:
        """Call when there is time: an array takes 10 us in a processor that has slept, more than all the rest."""
        if self.spare is None:
            self.spare = new_records(1)
        return 0

    cdef cnp.ndarray room_for(self, uint64_t rows):
        if rows != 1 or self.spare is None:
            return new_records(rows)
        out, self.spare = self.spare, None
        return out

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
        cdef uint64_t newest = ring_sequence(&self.ring)    # first: a foreign one comes after the gate closed
        if self.last == UINT64_MAX and has_ended(self.gate):
            self.last = self.changes.last = newest if self.end == NULL else self.end[0]
        return min(self.last, newest)

    cdef bint is_news(self) noexcept nogil:
        """Something was published behind our position, or is about to be, or waits to be taken."""
        return self.newest() > self.position or self.changes.count != 0


cdef uint64_t keep_until(uint64_t* out, uint64_t n, uint64_t last) noexcept nogil:
    """Close the gaps of records that came after `last`; return how many are left."""
    cdef Record* records = <Record*>out
    cdef uint64_t i, kept = 0
    if last == UINT64_MAX:
        return n
    for i in range(n):
        if records[i].sequence <= last:
            if kept != i:
                records[kept] = records[i]
            kept += 1
    return kept


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
