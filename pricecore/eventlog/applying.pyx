"""Records of a log into a segment. Contract: applying.pxd."""

import numpy as np

cimport numpy as cnp
from libc.stdint cimport uint16_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcmp

from pricecore.delivery.symbol_record cimport SymbolRecord
from pricecore.eventlog.utf8 cimport is_utf8
from pricecore.prices.slot cimport SEQUENCE, Copy, slot_pair
from pricecore.prices.symbols cimport name_add, name_count, name_find
from pricecore.primitives.atomics cimport likely, load_payload, load_relaxed, unlikely
from pricecore.primitives.segment cimport NameEntry
from pricecore.types cimport (
    KIND_QUOTE, KIND_SYMBOL, KIND_VOID, NAME_BYTES, RECORD_BYTES, RECORD_WORDS, head_kind, head_symbol,
)

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import LogCorruptError

cnp.import_array()

VERDICTS = (
    "",
    "its sequence is not above that of the record before it",
    "there is no such kind of record",
    "its symbol was never introduced",
    "it introduces a symbol whose id is not the next one",
    "it introduces a symbol whose name has not 1 to 48 bytes",
    "it introduces a symbol whose name is not UTF-8",
    "it introduces a name that another symbol has",
    "it introduces a symbol again, with another name",
    "it introduces a symbol for which there is no place",
)
"""What is wrong with a record, by Verdict."""


cdef extern from *:
    """
    #if defined(__GNUC__)
    #define pc_prefetch(address) __builtin_prefetch((address), 1)
    #else
    #define pc_prefetch(address) ((void)(address))
    #endif
    """
    void prefetch "pc_prefetch" (const void* address) noexcept nogil

cdef enum:
    AHEAD = 8                       # records: some 200 ns, as long as a slot takes to come from memory


cdef inline void fetch_slot(const Target* target, const uint64_t* record) noexcept nogil:
    """Have the slot of a record that is not applied yet on its way; no harm where there is none."""
    cdef uint64_t head = load_relaxed(&record[1])
    cdef const Copy* pair
    if head_kind(head) <= KIND_QUOTE and head_symbol(head) < target.names.capacity:
        pair = slot_pair(&target.slots[head_symbol(head)], head_kind(head))
        prefetch(&pair[0])
        prefetch(&pair[1])


cdef Verdict add_symbol(Target* target, uint64_t sequence, uint32_t symbol_id, const uint64_t* given) noexcept nogil:
    """Add the name of a SYMBOL record, or see that it is there."""
    cdef SymbolRecord record
    cdef const NameEntry* known
    cdef uint64_t count = name_count(&target.names)
    load_payload(<uint64_t*>&record, given)             # a copy: what is judged here is what is added
    if not 0 < record.length <= <int>NAME_BYTES:
        return NAME_LENGTH
    if symbol_id < count:
        known = &target.names.names[symbol_id]
        if known.length == record.length and memcmp(known.name, record.name, record.length) == 0:
            return APPLIED
        return NAME_DIFFERS
    if symbol_id > count:
        return ID_NOT_NEXT
    if not is_utf8(<const unsigned char*>record.name, record.length):
        return NAME_NOT_UTF8
    if name_find(&target.names, record.name, record.length) >= 0:
        return NAME_TAKEN
    if count == target.names.capacity:
        return TABLE_FULL
    name_add(&target.names, record.name, record.length, sequence)
    return APPLIED


cdef inline Verdict apply_one(
    Target* target, uint64_t sequence, uint64_t head, const uint64_t* record
) noexcept nogil:
    cdef uint32_t symbol_id = head_symbol(head)
    cdef uint16_t kind = head_kind(head)
    cdef Verdict verdict
    if likely(kind <= KIND_QUOTE):
        if unlikely(symbol_id >= name_count(&target.names)):
            return UNKNOWN_SYMBOL
        if has_stream(target):
            store_update(target, slot_pair(&target.slots[symbol_id], kind), sequence, record)
        else:
            store_state(target, slot_pair(&target.slots[symbol_id], kind), sequence, record)
        return APPLIED
    if kind != KIND_SYMBOL and kind != KIND_VOID:
        return UNKNOWN_KIND
    if kind == KIND_SYMBOL:
        verdict = add_symbol(target, sequence, symbol_id, record)
        if verdict != APPLIED:
            return verdict
    if has_stream(target):
        stream_one(target, sequence, record)
    return APPLIED


cdef Verdict apply_records(
    Target* target, const Record* records, uint64_t n, uint64_t last, uint64_t* applied
) noexcept nogil:
    """Apply n records, the highest of which is `last` at most; `applied` says how many, also when one is refused."""
    cdef const uint64_t* record = <const uint64_t*>records
    cdef uint64_t i, sequence
    cdef Verdict verdict = APPLIED
    if target.mode != TARGET_SHARED:            # else cells of ours that nobody fills would be waited for
        last = max(last, load_relaxed(target.ring.ticket))
    for i in range(n):
        if i + AHEAD < n:
            fetch_slot(target, record + AHEAD * RECORD_WORDS)
        sequence = load_relaxed(&record[0])
        if unlikely(sequence <= target.position or sequence >= SEQUENCE // 2):
            verdict = NOT_ASCENDING
            break
        if unlikely(sequence > last):           # one behind it will be refused
            if target.mode == TARGET_SHARED:    # and has no ticket
                verdict = NOT_ASCENDING
                break
            last = sequence
        if target.mode == TARGET_ALONE or target.mode == TARGET_LOADING:
            ticket_follow(&target.ring, sequence)
        if unlikely(sequence != target.position + 1) and has_stream(target):
            void_between(target, sequence, last)
            target.position = sequence - 1
        verdict = apply_one(target, sequence, load_relaxed(&record[1]), record)
        if unlikely(verdict != APPLIED):
            break
        target.position = sequence
        record += RECORD_WORDS
    else:
        i = n
    applied[0] = i
    return verdict


cdef void void_rest(Target* target, uint64_t last) noexcept nogil:
    """Publish what is left of the tickets up to `last` as VOID."""
    void_between(target, last + 1, last)
    target.position = max(target.position, last)


cdef cnp.ndarray as_records(object records):
    """Return the records in one piece and on whole words: the array itself, or a copy.

    Raises TypeError when it is no one-dimensional array of RECORD_DTYPE.
    """
    if not isinstance(records, np.ndarray) or records.dtype != RECORD_DTYPE or records.ndim != 1:
        raise TypeError(f"records must be a one-dimensional array of RECORD_DTYPE, not {type(records).__name__} "
                        f"{getattr(records, 'dtype', '')} {getattr(records, 'shape', '')}".rstrip())
    cdef cnp.ndarray array = np.ascontiguousarray(records)
    return array.copy() if <uintptr_t>cnp.PyArray_DATA(array) % sizeof(uint64_t) else array


cdef object damaged(Verdict verdict, uint64_t sequence, uint64_t index, object where):
    """Return the error for a refused record, the one at `index` of an array."""
    return LogCorruptError(str(where), index * RECORD_BYTES, f"record of sequence {sequence:,}: {VERDICTS[verdict]}")
