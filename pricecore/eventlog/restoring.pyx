"""Filling a fresh segment from a snapshot and the records behind it, while its engine is being opened.

Contract    the segment is empty and nobody writes it; readers may have it mapped already.
Invariants  the segment says that it is unfinished until all is in: after a crash nobody takes it for what the log
            holds, not even when but its last record is missing. Slots are never ahead of the ticket counter. In the end
            every ticket of the last lap is published.
"""

cimport numpy as cnp
from libc.stdint cimport uint64_t

from pricecore.delivery.ring cimport ring_sequence
from pricecore.eventlog.applying cimport (
    APPLIED, TABLE_FULL, TARGET_ALONE, TARGET_LOADING, Target, Verdict, apply_records, as_records, damaged, target_of,
    ticket_follow, void_rest,
)
from pricecore.prices.slot cimport SEQUENCE
from pricecore.prices.symbols cimport name_count
from pricecore.primitives.segment cimport Segment, segment_set_unfinished
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


cdef int restore_array(Target* target, object records, object where, object rest) except -1:
    """Apply one array; `rest` is what comes behind it."""
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


def restore_segment(Segment segment not None, state, blocks, uint64_t last_sequence=0, where="the log"):
    """Bring an empty segment to where its log ends: names, prices, quotes, ring and sequence.

    Parameters
    ----------
    segment : Segment
    state : ndarray of RECORD_DTYPE or None
        What `Snapshot.stream` returns, or the names at the head of the log's first file.
    blocks : iterable of ndarray of RECORD_DTYPE
        The records behind the snapshot's `sequence`, in order; or from earlier on. What they hold of the last lap of
        the ring is in the ring again, what they do not hold is VOID there.
    last_sequence : int
        Where the log ends, also when what stands there is in none of the blocks.
    where : object
        What errors call the log.

    Raises
    ------
    SymbolTableFullError
        The segment has not enough places; the message says how many the log needs.
    LogCorruptError
        No engine can have written one of the records. The segment is not to be used.
    ValueError
        The segment is not empty, or `last_sequence` is 2**60 or more.

    Threads: no other may use the segment to write. Cost: some 30 ns a record; releases the GIL; allocates nothing.
    """
    cdef Target target = target_of(&segment.layout, TARGET_LOADING)
    cdef uint64_t last
    if target.position or name_count(&target.names):
        raise ValueError("only an empty segment is restored; replay goes into any engine")
    if last_sequence >= SEQUENCE // 2:
        raise ValueError(f"last_sequence is {last_sequence}; sequences stay below 2**60")
    rest = iter(blocks)
    segment_set_unfinished(&segment.layout, True)
    if state is not None:
        restore_array(&target, state, where, rest)
    target.mode, target.position = TARGET_ALONE, 0
    for records in rest:
        restore_array(&target, records, where, rest)
    ticket_follow(&target.ring, last_sequence)
    last = ring_sequence(&target.ring)
    with nogil:
        void_rest(&target, last)
    segment_set_unfinished(&segment.layout, False)
