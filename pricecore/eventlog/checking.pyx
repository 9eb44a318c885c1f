"""The longer half of judging a block: contract in checking.pxd."""

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t

from pricecore.delivery.symbol_record cimport SymbolRecord
from pricecore.eventlog.format cimport BLOCK_GAP, BLOCK_RECORDS, BlockHeader, GapPayload
from pricecore.types cimport KIND_PRICE, KIND_QUOTE, KIND_SYMBOL, KIND_VOID, Record

VERDICTS = (
    "good",
    "the file ends inside a block",
    "no block begins here",
    "a block of unknown type",
    "a block of unknown encoding",
    "a block's count of records is impossible",
    "a block's length does not fit its count",
    "a source position longer than 4,096 bytes",
    "a block's first sequence is none",
    "the checksum of a block is wrong",
    "a block that does not belong behind the one before it",
    "a block's first sequence does not follow what stands before it",
    "a gap that is not first in its file, or is not one",
    "a record's sequence is not the one that is due",
    "a record of unknown kind",
    "a symbol's name is empty, longer than 48 bytes or not padded with zeros",
    "a symbol_id that was not introduced, or not in order",
    "a record's received_ns is not within the times of its block",
    "a block's records cannot be expanded",
)
"""What `Verdict` says, in words."""


cdef int chain_verdict(const BlockHeader* header, const Place* place) noexcept nogil:
    """Judge whether a block, good by itself, continues the one before it; and what a gap says."""
    cdef const GapPayload* gap = <const GapPayload*>&header[1]
    if place.chained and header.previous_crc != place.crc:
        return BAD_CHAIN
    if header.first_sequence != place.next_sequence:
        return BAD_SEQUENCE
    if header.type == BLOCK_GAP:
        if not place.at_start and place.chained:
            return BAD_GAP
        if gap.last_sequence < header.first_sequence or gap.last_sequence > HIGHEST_SEQUENCE:
            return BAD_GAP
    return GOOD


def first_bad_symbol(const unsigned char[::1] symbols not None):
    """Return the place of the first of these records of 64 bytes that is not the SYMBOL record of its place's id; -1:
    all are.

    Threads: any. Cost: a nanosecond a record; releases the GIL.
    """
    cdef uint64_t count = symbols.shape[0] // sizeof(SymbolRecord)
    cdef uint64_t i
    cdef const SymbolRecord* records
    if count == 0:
        return -1
    records = <const SymbolRecord*>&symbols[0]
    with nogil:
        for i in range(count):
            if records[i].kind != KIND_SYMBOL or records[i].symbol_id != i or not is_name(&records[i]):
                break
        else:
            i = count
    return -1 if i == count else i


cdef inline int record_verdict(const Record* record, int64_t known, Content* content) noexcept nogil:
    """Judge one record behind its sequence; `known` symbols were introduced before it, -1: nobody counts."""
    if record.kind == KIND_PRICE or record.kind == KIND_QUOTE:
        if record.received_ns < content.least_ns:
            content.least_ns = record.received_ns
        if record.received_ns > content.greatest_ns:
            content.greatest_ns = record.received_ns
        return BAD_SYMBOL_ID if known >= 0 and <int64_t>record.symbol_id >= known else GOOD
    if record.kind == KIND_SYMBOL:
        if not is_name(<const SymbolRecord*>record):
            return BAD_NAME
        content.symbols += 1
        return BAD_SYMBOL_ID if known >= 0 and <int64_t>record.symbol_id != known else GOOD
    return GOOD if record.kind == KIND_VOID else BAD_KIND


cdef int records_verdict(
    const Record* records, const BlockHeader* header, const Place* place, Content* content
) noexcept nogil:
    """Judge the records of a block of records, as they are when expanded."""
    cdef uint64_t i
    cdef int verdict
    cdef int64_t known
    content.symbols = 0
    content.least_ns, content.greatest_ns = INT64_MAX, INT64_MIN
    for i in range(header.count):
        if records[i].sequence != header.first_sequence + i:
            return BAD_RECORD_SEQUENCE
        known = -1 if place.symbols < 0 else place.symbols + <int64_t>content.symbols
        verdict = record_verdict(&records[i], known, content)
        if verdict != GOOD:
            return verdict
    if content.least_ns > content.greatest_ns:
        content.least_ns = content.greatest_ns = 0
    return GOOD if content.least_ns == header.least_ns and content.greatest_ns == header.greatest_ns else BAD_TIME


cdef void pass_block(Place* place, const BlockHeader* header, uint64_t new_symbols) noexcept nogil:
    """Move behind a good block."""
    place.offset += block_bytes(header)
    place.crc = header.crc
    place.chained = True
    place.at_start = False
    if header.type == BLOCK_RECORDS:
        place.next_sequence += header.count
    elif header.type == BLOCK_GAP:
        place.next_sequence = (<const GapPayload*>&header[1]).last_sequence + 1
    if place.symbols >= 0:
        place.symbols += <int64_t>new_symbols
