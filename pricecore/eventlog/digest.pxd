"""Level 4: what a block's header says of its records, found in one pass over them. How, and why: digest.h."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "digest.h" nogil:
    struct Digest "pc_digest":
        uint32_t crc                # of the records alone
        bint plain                  # all are prices or quotes of known symbols, in the order of their sequences
        int64_t least_ns            # received_ns of prices and quotes; both are 0 when there are none
        int64_t greatest_ns

cdef enum:
    ANY_SYMBOL = -1                 # as a count of symbols: every id is a known one


cdef void digest_records(
    Digest* digest, const uint64_t* records, uint32_t count, uint64_t sequence, uint64_t symbols) noexcept nogil
