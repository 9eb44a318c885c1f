"""The digest of the records of a block. Contract: digest.pxd."""

from libc.stdint cimport INT64_MAX, INT64_MIN, uint32_t, uint64_t

from pricecore.types cimport KIND_PRICE, KIND_QUOTE, Record

cdef extern from "digest.h" nogil:
    void prepare "pc_crc32_prepare" () noexcept
    void pc_digest_records(
        Digest* digest, const void* records, size_t count, uint64_t sequence, uint64_t symbols) noexcept


cdef void note_times(Digest* digest, const Record* records, uint32_t count) noexcept nogil:
    """Those of prices and quotes alone: other records have something else in that place."""
    cdef uint32_t i
    cdef bint any_time = False
    digest.least_ns, digest.greatest_ns = INT64_MAX, INT64_MIN
    for i in range(count):
        if records[i].kind == KIND_PRICE or records[i].kind == KIND_QUOTE:
            any_time = True
            digest.least_ns = min(digest.least_ns, records[i].received_ns)
            digest.greatest_ns = max(digest.greatest_ns, records[i].received_ns)
    if not any_time:
        digest.least_ns = digest.greatest_ns = 0


cdef void digest_records(
    Digest* digest, const uint64_t* records, uint32_t count, uint64_t sequence, uint64_t symbols
) noexcept nogil:
    """Look over `count` records, the first of which has this sequence; `symbols` are known, ANY_SYMBOL: all."""
    pc_digest_records(digest, records, count, sequence, symbols)
    if count == 0 or not digest.plain:
        note_times(digest, <const Record*>records, count)


prepare()
