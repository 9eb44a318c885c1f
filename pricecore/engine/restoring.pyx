"""Filling a fresh segment from a snapshot and the records behind it, while the engine is being opened.

Contract    the segment is empty and no thread of this process writes it; readers may have it mapped already.
Invariants  slots are never ahead of the ticket counter: a segment that was left in the middle is one that repair can
            mend, and whose sequence says that it is behind its log. In the end every ticket of the last lap is published.
"""

cimport numpy as cnp
from libc.stdint cimport uint64_t

from pricecore.delivery.ring cimport ring_sequence
from pricecore.eventlog.applying cimport (
    APPLIED, TABLE_FULL, TARGET_ALONE, TARGET_LOADING, Target, Verdict, apply_records, as_records, damaged, target_of,
    void_rest,
)
from pricecore.types cimport KIND_SYMBOL, Record

from pricecore.errors import SymbolTableFullError

cnp.import_array()


cdef object no_place(uint64_t capacity, object records, object rest):
    """Return the error for a symbol table that is too small for the log; looks through the rest of it."""
    needed = 0
    for array in (records, *rest):
        ids = array["symbol_id"][array["kind"] == KIND_SYMBOL]
        needed = max(needed, int(ids.max(initial=0)) + 1)
    return SymbolTableFullError(
        f"the log holds {needed:,} symbols, max_symbols is {capacity:,}: pass max_symbols={needed} or more",
        "symbol_table_full")


cdef class Restorer(Registrar):
    """A registrar whose segment can be filled from a log."""

    cdef int restore(self, object snapshot, object blocks, object where) except -1:
        """Bring the empty segment to where the log ends.

        `snapshot` is None or a Snapshot; `blocks` yields arrays of RECORD_DTYPE from behind `snapshot.sequence` on, or
        from earlier on: what they hold of the last lap of the ring is then in the ring again, and what they do not is
        VOID there. `where` is what errors call the log. SymbolTableFullError names the max_symbols to pass;
        LogCorruptError names the record.
        """
        cdef Target target = target_of(self.engine.layout, TARGET_LOADING)
        cdef uint64_t last
        rest = iter(blocks)
        if snapshot is not None:
            self.restore_array(&target, snapshot.stream(), where, rest)
        target.mode, target.position = TARGET_ALONE, 0
        for records in rest:
            self.restore_array(&target, records, where, rest)
        last = ring_sequence(&target.ring)
        with nogil:
            void_rest(&target, last)
        return 0

    cdef int restore_array(self, Target* target, object records, object where, object rest) except -1:
        cdef cnp.ndarray array = as_records(records)
        cdef const Record* first = <const Record*>cnp.PyArray_DATA(array)
        cdef uint64_t n = <uint64_t>len(array), applied = 0
        cdef Verdict verdict
        if n == 0:
            return 0
        with nogil:
            verdict = apply_records(target, first, n, first[n - 1].sequence, &applied)
        if verdict == TABLE_FULL:
            raise no_place(target.names.capacity, array, rest)
        if verdict != APPLIED:
            raise damaged(verdict, first[applied].sequence, applied, where)
        return 0

    def _restore(self, snapshot, blocks, where="the log"):
        """As `restore`, of an engine that is open, empty and used by nobody else (tests and benchmarks)."""
        self.begin_update()
        if ring_sequence(&self.engine.ring) or len(self):
            raise ValueError("only an empty engine is restored; replay goes into any")
        self.restore(snapshot, blocks, where)
