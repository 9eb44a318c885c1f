"""Level 4: what can be wrong with records that somebody made, judged before the first of them is written."""

from libc.stdint cimport uint64_t

from pricecore.eventlog.digest cimport Digest
from pricecore.types cimport Record

cdef enum:
    BLOCK_RECORDS_AT_ONCE = 16384

cdef enum Flaw:
    FLAWLESS = 0
    NOT_NEXT = 1
    UNKNOWN_KIND = 2
    UNKNOWN_SYMBOL = 3
    ID_NOT_NEXT = 4
    NAME_BAD = 5


cdef inline uint64_t blocks_of(uint64_t records) noexcept nogil:
    return (records + (BLOCK_RECORDS_AT_ONCE - 1)) // BLOCK_RECORDS_AT_ONCE


cdef Flaw look_over(
    const Record* records, uint64_t n, uint64_t sequence, uint64_t* symbols, Digest* digests, uint64_t* index
) noexcept nogil
