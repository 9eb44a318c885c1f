"""Level 0: the domain's words and their widths. DESIGN of the 64-byte record: pricecore/README.md."""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

cdef enum:
    CACHE_LINE_BYTES = 64
    RECORD_BYTES = 64
    RECORD_WORDS = 8
    NAME_BYTES = 48                 # of a symbol, UTF-8, inside its SYMBOL record
    NO_SYMBOL = -1

cdef enum:                          # Kind
    KIND_PRICE = 0
    KIND_QUOTE = 1
    KIND_SYMBOL = 2
    KIND_VOID = 255                 # a ticket that was taken and not used

cdef enum:                          # Flags, in bits
    FLAG_CROSSED = 1                # bid above ask
    FLAG_NO_SOURCE_TIME = 2         # timestamp_ns is 0: the source gave none
    FLAG_ONE_SIDED = 4              # one side of the quote is absent

cdef enum:                          # Reason
    # Why an update was refused. errors.REASONS holds the same words in the same order.
    REASON_NONE = 0
    REASON_PRICE_NOT_FINITE = 1
    REASON_PRICE_NOT_POSITIVE = 2
    REASON_VOLUME = 3
    REASON_CHANGE = 4
    REASON_NO_SIDE = 5
    REASON_SIZE = 6
    REASON_SYMBOL_EMPTY = 7
    REASON_SYMBOL_TOO_LONG = 8
    REASON_SYMBOL_ENCODING = 9
    REASON_SYMBOL_TABLE_FULL = 10
    REASON_TIME_UNIT = 11
    REASON_TIME_NEGATIVE = 12
    REASON_TIME_OVERFLOW = 13
    REASON_FUTURE = 14
    REASON_RING_FULL = 15
    REASON_SYMBOL_ID = 16           # an id array that was changed while a batch ran
    REASON_COUNT = 17

cdef struct Record:
    # The 64 bytes of a PRICE record; a QUOTE keeps bid, ask, bid_size, ask_size in the four doubles.
    uint64_t sequence
    uint32_t symbol_id
    uint16_t kind
    uint16_t flags
    int64_t timestamp_ns
    int64_t received_ns
    double price
    double volume
    double change_24h
    double reserved

cdef extern from *:
    """
    /* Word 1 of a record: symbol_id, kind and flags. */
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define pc_head(id, kind, flags) ((uint64_t)(id) << 32 | (uint64_t)(kind) << 16 | (uint64_t)(flags))
    #define pc_head_symbol(head) ((uint32_t)((head) >> 32))
    #define pc_head_kind(head) ((uint16_t)((head) >> 16))
    #else
    #define pc_head(id, kind, flags) ((uint64_t)(id) | (uint64_t)(kind) << 32 | (uint64_t)(flags) << 48)
    #define pc_head_symbol(head) ((uint32_t)(head))
    #define pc_head_kind(head) ((uint16_t)((head) >> 32))
    #endif
    """
    uint64_t record_head "pc_head" (uint32_t symbol_id, uint64_t kind, uint64_t flags) noexcept nogil
    uint32_t head_symbol "pc_head_symbol" (uint64_t head) noexcept nogil
    uint16_t head_kind "pc_head_kind" (uint64_t head) noexcept nogil
