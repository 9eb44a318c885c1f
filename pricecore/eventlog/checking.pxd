"""Level 4: whether a block of a log file is good. Everything in it was written by somebody else: nothing is trusted.

Contract: functions of bytes that stand in memory; they touch none beyond `available`. A block is good when its header
is possible, its crc is right, it continues the block before it, and its records are what the header says: numbered one
by one, of known kinds, symbols in the order of ids and known before they are used, times within those of the header.

Invariant: a block whose crc is right and chained, and whose content is not good, was not made by a crash.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from pricecore.delivery.symbol_record cimport SymbolRecord
from pricecore.eventlog.format cimport (
    ALIGNMENT_BYTES, BLOCK_GAP, BLOCK_HEADER_BYTES, BLOCK_MAGIC, BLOCK_POSITION, BLOCK_RECORDS, ENCODING_PLAIN,
    ENCODING_SHUFFLED_ZSTD, MAX_BLOCK_RECORDS, MAX_POSITION_BYTES, BlockHeader, padded,
)
from pricecore.primitives.crc32 cimport crc32
from pricecore.types cimport NAME_BYTES, Record

cdef enum Verdict:
    # VERDICTS in blocks.pyx says the same in words.
    GOOD = 0
    CUT_OFF = 1                     # it, or its header, goes on beyond what there is
    NO_MAGIC = 2
    BAD_TYPE = 3
    BAD_ENCODING = 4
    BAD_COUNT = 5
    BAD_LENGTH = 6
    BAD_POSITION = 7
    BAD_NUMBER = 8
    BAD_CRC = 9
    BAD_CHAIN = 10                  # of another file, or of an older use of these bytes
    BAD_SEQUENCE = 11               # from here on the crc is right, and chained
    BAD_GAP = 12
    BAD_RECORD_SEQUENCE = 13
    BAD_KIND = 14
    BAD_NAME = 15
    BAD_SYMBOL_ID = 16
    BAD_TIME = 17
    BAD_PAYLOAD = 18

cdef enum:
    HIGHEST_SEQUENCE = 0x3FFF_FFFF_FFFF_FFFF    # the two bits above it are marks in the engine's slots
    ENCODING_SPARE_BYTES = 32_768       # by which zstd may make 4 MiB of noise longer

cdef struct Place:                  # between two blocks of a file
    uint64_t offset
    uint64_t next_sequence
    int64_t symbols                 # known so far; -1: not counted
    uint32_t crc                    # of the block before, or of the file header
    bint chained                    # False: nothing is known of the block before
    bint at_start                   # in front of the first block

cdef struct Content:                # of the records of one block
    uint64_t symbols
    int64_t least_ns
    int64_t greatest_ns


cdef int chain_verdict(const BlockHeader* header, const Place* place) noexcept nogil
cdef int records_verdict(
    const Record* records, const BlockHeader* header, const Place* place, Content* content
) noexcept nogil
cdef void pass_block(Place* place, const BlockHeader* header, uint64_t new_symbols) noexcept nogil


cdef inline uint64_t block_bytes(const BlockHeader* header) noexcept nogil:
    return BLOCK_HEADER_BYTES + padded(header.stored_bytes) + padded(header.position_bytes)


cdef inline int length_verdict(const BlockHeader* header) noexcept nogil:
    """Judge count, length and encoding, which belong together."""
    if header.type != BLOCK_RECORDS:
        if header.encoding != ENCODING_PLAIN:
            return BAD_ENCODING
        if header.count != 0:
            return BAD_COUNT
        return GOOD if header.stored_bytes == (64 if header.type == BLOCK_GAP else 0) else BAD_LENGTH
    if header.encoding > ENCODING_SHUFFLED_ZSTD:
        return BAD_ENCODING
    if header.count == 0 or header.count > MAX_BLOCK_RECORDS:
        return BAD_COUNT
    if header.encoding == ENCODING_PLAIN:
        return GOOD if header.stored_bytes == 64 * header.count else BAD_LENGTH
    return GOOD if 0 < header.stored_bytes <= 64 * header.count + ENCODING_SPARE_BYTES else BAD_LENGTH


cdef inline int header_verdict(const BlockHeader* header) noexcept nogil:
    """Judge whether these 64 bytes can be the header of any block. Lengths can be added up without overflow then."""
    if header.magic != BLOCK_MAGIC:
        return NO_MAGIC
    if header.type > BLOCK_POSITION:
        return BAD_TYPE
    if header.position_bytes > MAX_POSITION_BYTES:
        return BAD_POSITION
    if header.first_sequence == 0 or header.first_sequence > HIGHEST_SEQUENCE:
        return BAD_NUMBER
    return length_verdict(header)


cdef inline int own_verdict(const BlockHeader* header, uint64_t available) noexcept nogil:
    """Judge a block by itself: whether its own crc is right."""
    cdef int verdict
    cdef uint32_t crc
    if available < BLOCK_HEADER_BYTES:
        return CUT_OFF
    verdict = header_verdict(header)
    if verdict != GOOD:
        return verdict
    if available < block_bytes(header):
        return CUT_OFF
    crc = crc32(0, header, BLOCK_HEADER_BYTES - 4)
    crc = crc32(crc, &header[1], block_bytes(header) - BLOCK_HEADER_BYTES)
    return GOOD if crc == header.crc else BAD_CRC


cdef inline int hop_verdict(const BlockHeader* header, uint64_t available, const Place* place) noexcept nogil:
    """Judge a header alone: whether it is possible, and continues the block before."""
    cdef int verdict
    if available < BLOCK_HEADER_BYTES or (header.type == BLOCK_GAP and available < 2 * BLOCK_HEADER_BYTES):
        return CUT_OFF
    verdict = header_verdict(header)
    return chain_verdict(header, place) if verdict == GOOD else verdict


cdef inline bint is_name(const SymbolRecord* record) noexcept nogil:
    """Whether it has a name of 1 to 48 bytes and zeros behind. An engine takes names that hold zero bytes, also at
    their end. UTF-8 is judged by who reads it."""
    cdef size_t i
    if record.length == 0 or record.length > NAME_BYTES:
        return False
    for i in range(record.length, NAME_BYTES):
        if record.name[i]:
            return False
    return True
