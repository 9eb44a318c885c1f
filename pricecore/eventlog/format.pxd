"""Level 4: the headers of the log's files as C sees them. FORMAT.md describes them; layout.py is the same for numpy."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    LOG_VERSION = 1
    FILE_HEADER_BYTES = 128
    BLOCK_HEADER_BYTES = 64
    ALIGNMENT_BYTES = 64
    MAX_BLOCK_RECORDS = 65536
    MAX_POSITION_BYTES = 4096
    BLOCK_MAGIC = 0x31424350        # "PCB1"

cdef enum BlockType:
    BLOCK_RECORDS = 0
    BLOCK_GAP = 1
    BLOCK_POSITION = 2

cdef enum Encoding:
    ENCODING_PLAIN = 0
    ENCODING_ZSTD = 1
    ENCODING_SHUFFLED_ZSTD = 2

cdef enum GapReason:
    GAP_SKIPPED = 1
    GAP_NEVER_LOGGED = 2
    GAP_DAMAGED = 3

cdef struct FileHeader:             # of a log file, and of a snapshot
    char magic[8]
    uint16_t version
    uint16_t header_bytes
    uint32_t flags
    uint8_t log_id[16]
    uint64_t sequence
    int64_t created_ns
    uint64_t generation
    uint32_t symbol_count
    uint32_t position_bytes
    uint32_t body_crc
    uint32_t zero
    uint64_t last_sequence          # of a snapshot; 0 in a log file
    uint8_t reserved[44]
    uint32_t crc

cdef struct BlockHeader:
    uint32_t magic
    uint16_t type
    uint16_t encoding
    uint64_t first_sequence
    uint32_t count
    uint32_t stored_bytes
    int64_t least_ns
    int64_t greatest_ns
    uint64_t synced_sequence
    uint32_t position_bytes
    uint32_t reserved
    uint32_t previous_crc
    uint32_t crc

cdef struct GapPayload:
    uint64_t last_sequence
    uint64_t reason
    uint64_t zeros[6]


cdef inline uint64_t padded(uint64_t length_bytes) noexcept nogil:
    """The length with the zeros that follow."""
    return (length_bytes + (ALIGNMENT_BYTES - 1)) & ~<uint64_t>(ALIGNMENT_BYTES - 1)
