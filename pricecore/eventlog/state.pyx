"""The state of a log at one record, copying the state of a segment, and judging a copy that comes from a file."""

import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

from pricecore.delivery.symbol_record cimport SymbolRecord, fill_symbol_record
from pricecore.eventlog.applying cimport (
    APPLIED, TABLE_FULL, TARGET_STATE, Verdict, apply_records, as_records, damaged, target_of,
)
from pricecore.eventlog.checking cimport is_name
from pricecore.eventlog.utf8 cimport is_utf8
from pricecore.prices.slot cimport SEQUENCE, Slot, slot_pair, slot_read
from pricecore.prices.snapshot cimport snapshot_of
from pricecore.prices.symbols cimport NameTable, SymbolTable, name_add, name_count, name_table_of
from pricecore.primitives.segment cimport Layout, NameEntry, Segment, segment_at
from pricecore.types cimport KIND_PRICE, KIND_QUOTE, KIND_SYMBOL, NAME_BYTES, RECORD_WORDS, Record

from pricecore.dtypes import RECORD_DTYPE

cnp.import_array()

cdef enum:
    SYMBOL_RECORDS = 3              # of one symbol: SYMBOL, PRICE, QUOTE
    FIRST_SYMBOLS = 1024

cdef enum Flaw:                     # FLAWS has a sentence for each
    FLAWLESS = 0
    FLAW_ID = 1
    FLAW_KIND = 2
    FLAW_NAME = 3
    FLAW_SEQUENCE = 4

FLAWS = (
    "", "a record of another symbol stands here", "a record of another kind stands here", "this is no name",
    "a sequence that cannot stand here")


cdef void copy_symbol(const NameEntry* name, Slot* slot, uint32_t symbol_id, Record* out) noexcept nogil:
    """Copy one symbol's records to zeroed memory."""
    cdef int kind
    fill_symbol_record(
        <SymbolRecord*>out, name.sequence, symbol_id, name.name, min(name.length, <uint64_t>NAME_BYTES))
    for kind in range(KIND_PRICE, KIND_QUOTE + 1):
        if not slot_read(slot_pair(slot, kind), <uint64_t*>&out[1 + kind]):
            memset(&out[1 + kind], 0, sizeof(Record))


def copy_state(Segment segment not None):
    """Return SYMBOL, latest PRICE and latest QUOTE record of every symbol (zeros: none), while others may write.

    Returns
    -------
    ndarray of RECORD_DTYPE, shape (symbols, 3)
        Row i is symbol id i. Each record is whole; the array is not one moment: it holds all records that were
        published when the call began, and of those published since then any.

    Threads: any. Cost: allocates 192 bytes a symbol; releases the GIL; never waits.
    """
    cdef const Layout* layout = &segment.layout
    cdef NameTable names = name_table_of(layout)
    cdef Slot* slots = <Slot*>segment_at(layout, layout.offsets.slots)
    cdef uint64_t i, count = name_count(&names)
    cdef cnp.ndarray out = np.zeros((count, SYMBOL_RECORDS), RECORD_DTYPE)
    cdef Record* records = <Record*>cnp.PyArray_DATA(out)
    with nogil:
        for i in range(count):
            copy_symbol(&names.names[i], &slots[i], <uint32_t>i, &records[SYMBOL_RECORDS * i])
    return out


cdef inline bint is_none(const Record* record) noexcept nogil:
    """All zeros, as copy_symbol leaves what nobody stored."""
    cdef const uint64_t* words = <const uint64_t*>record
    cdef uint64_t found = 0
    cdef int i
    for i in range(RECORD_WORDS):
        found |= words[i]
    return found == 0


cdef Flaw symbol_flaw(const Record* three, uint64_t symbol_id, uint64_t before, uint64_t last) noexcept nogil:
    """Judge the records of one symbol; `before` is the sequence of the last symbol's SYMBOL record."""
    cdef const SymbolRecord* name = <const SymbolRecord*>three
    cdef int kind
    if name.symbol_id != symbol_id:
        return FLAW_ID
    if name.kind != KIND_SYMBOL:
        return FLAW_KIND
    if not before < name.sequence <= last:
        return FLAW_SEQUENCE
    if not is_name(name) or not is_utf8(<const unsigned char*>name.name, name.length):
        return FLAW_NAME
    for kind in range(KIND_PRICE, KIND_QUOTE + 1):
        if is_none(&three[1 + kind]):
            continue
        if three[1 + kind].symbol_id != symbol_id:
            return FLAW_ID
        if three[1 + kind].kind != kind:
            return FLAW_KIND
        if not name.sequence < three[1 + kind].sequence <= last:
            return FLAW_SEQUENCE
    return FLAWLESS


def flaw_of(records, uint64_t last):
    """Return what no `copy_state` can have returned, as (row, sentence); None when all is well.

    Parameters
    ----------
    records : ndarray of RECORD_DTYPE, shape (symbols, 3), in one piece
    last : int
        The highest sequence that may be in it, below 2**60.

    Threads: any. Cost: reads the array once; releases the GIL.
    """
    cdef cnp.ndarray flat = as_records(records.reshape(-1))
    cdef const Record* three = <const Record*>cnp.PyArray_DATA(flat)
    cdef uint64_t i, before = 0, count = <uint64_t>len(flat) // SYMBOL_RECORDS
    cdef Flaw flaw = FLAWLESS if last < SEQUENCE // 2 else FLAW_SEQUENCE
    if flaw:
        return 0, FLAWS[flaw]
    with nogil:
        for i in range(count):
            flaw = symbol_flaw(three, i, before, last)
            if flaw != FLAWLESS:
                break
            before = three.sequence
            three += SYMBOL_RECORDS
    return (i, FLAWS[flaw]) if flaw else None


@cython.final
cdef class State:
    """Names, latest prices and quotes of a log up to one record; grows with the symbols.

    Threads: one at a time. Cost: 330 bytes a symbol, of address space first.
    """

    def __cinit__(self):
        self.segment = Segment(FIRST_SYMBOLS, 1024, 1, 1)
        self.target = target_of(&self.segment.layout, TARGET_STATE)

    cdef int grow(self) except -1:
        """Move to a segment for twice as many symbols."""
        cdef Segment larger = Segment(2 * self.target.names.capacity, 1024, 1, 1)
        cdef Target target = target_of(&larger.layout, TARGET_STATE)
        cdef uint64_t i, count = name_count(&self.target.names)
        cdef const NameEntry* name
        for i in range(count):
            name = &self.target.names.names[i]
            name_add(&target.names, name.name, name.length, name.sequence)
        memcpy(target.slots, self.target.slots, count * sizeof(Slot))
        target.position = self.target.position
        self.segment, self.target = larger, target
        return 0

    def apply(self, records, where="records"):
        """Go on with these records.

        Parameters
        ----------
        records : ndarray of RECORD_DTYPE
            With ascending sequences, above `sequence`; some may be missing.
        where : object
            What errors call the place of the records: a file's name.

        Raises
        ------
        LogCorruptError
            No engine can have written a record; those before it are applied.

        Cost: releases the GIL; some 20 ns a record, more when the symbols do not fit the processor's cache.
        """
        cdef cnp.ndarray array = as_records(records)
        cdef const Record* record = <const Record*>cnp.PyArray_DATA(array)
        cdef uint64_t n = <uint64_t>len(array), done = 0, applied
        cdef Verdict verdict
        while True:
            with nogil:
                verdict = apply_records(&self.target, record + done, n - done, SEQUENCE, &applied)
            done += applied
            if verdict == APPLIED:
                return
            if verdict != TABLE_FULL:
                raise damaged(verdict, record[done].sequence, done, where)
            self.grow()

    def load(self, records, sequence, where="snapshot"):
        """Begin with the records of a snapshot, in the order of their sequences; `apply` goes on behind `sequence`.

        Raises
        ------
        LogCorruptError
            As `apply`.
        """
        self.apply(records, where)
        self.target.position = sequence

    @property
    def sequence(self):
        """The last record that is in it."""
        return self.target.position

    def records(self):
        """Return SYMBOL, latest PRICE and latest QUOTE record of every symbol, as `copy_state`."""
        return copy_state(self.segment)

    def prices(self):
        """Return the latest price and quote of every symbol as an array of SNAPSHOT_DTYPE; row i is id i."""
        return snapshot_of(self.target.slots, <int>name_count(&self.target.names))

    def symbols(self):
        """Return all names, by id."""
        return SymbolTable(self.segment).list()
