"""Judging records that somebody made. Contract: flaws.pxd."""

from libc.stdint cimport uint32_t, uint64_t

from pricecore.delivery.symbol_record cimport SymbolRecord
from pricecore.eventlog.digest cimport Digest, digest_records
from pricecore.eventlog.utf8 cimport is_utf8
from pricecore.types cimport KIND_PRICE, KIND_QUOTE, KIND_SYMBOL, KIND_VOID, NAME_BYTES, Record

FLAWS = (
    "", "its sequence is not the next one", "its kind is none of 0, 1, 2, 255", "its symbol_id has no SYMBOL record",
    "its symbol_id is not the next one", "its name is not 1 to 48 bytes of UTF-8 without a zero")
"""What `Flaw` says, in words."""


cdef bint is_name(const SymbolRecord* record) noexcept nogil:
    cdef int i
    if not 1 <= record.length <= NAME_BYTES or not is_utf8(<const unsigned char*>record.name, record.length):
        return False
    for i in range(NAME_BYTES):
        if (record.name[i] == 0) != (i >= record.length):
            return False
    return True


cdef Flaw flaw_of(const Record* record, uint64_t sequence, uint64_t symbols) noexcept nogil:
    if record.sequence != sequence:
        return NOT_NEXT
    if record.kind == KIND_PRICE or record.kind == KIND_QUOTE:
        return FLAWLESS if record.symbol_id < symbols else UNKNOWN_SYMBOL
    if record.kind == KIND_SYMBOL:
        if record.symbol_id != symbols:
            return ID_NOT_NEXT
        return FLAWLESS if is_name(<const SymbolRecord*>record) else NAME_BAD
    return FLAWLESS if record.kind == KIND_VOID else UNKNOWN_KIND


cdef Flaw judge(
    const Record* records, uint64_t n, uint64_t sequence, uint64_t* symbols, uint64_t* index
) noexcept nogil:
    """Return what is wrong with the record at `index`; `symbols` counts with those that come."""
    cdef Flaw flaw
    cdef uint64_t i
    for i in range(n):
        flaw = flaw_of(&records[i], sequence + i, symbols[0])
        if flaw != FLAWLESS:
            index[0] = i
            return flaw
        if records[i].kind == KIND_SYMBOL:
            symbols[0] += 1
    return FLAWLESS


cdef Flaw look_over(
    const Record* records, uint64_t n, uint64_t sequence, uint64_t* symbols, Digest* digests, uint64_t* index
) noexcept nogil:
    """Judge all, and leave the digest of each block of BLOCK_RECORDS_AT_ONCE; else return what is wrong at `index`."""
    cdef Flaw flaw
    cdef uint64_t done = 0, count
    while done < n:
        count = min(n - done, <uint64_t>BLOCK_RECORDS_AT_ONCE)
        digest_records(digests, <const uint64_t*>&records[done], <uint32_t>count, sequence + done, symbols[0])
        if not digests.plain:
            flaw = judge(&records[done], count, sequence + done, symbols, index)
            if flaw != FLAWLESS:
                index[0] += done
                return flaw
        done += count
        digests += 1
    return FLAWLESS
