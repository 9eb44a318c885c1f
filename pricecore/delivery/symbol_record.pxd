"""The SYMBOL record: a name in the stream, published before the first update of its symbol."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from pricecore.types cimport KIND_SYMBOL, NAME_BYTES

cdef struct SymbolRecord:           # the 64 bytes; flags hold the length of the name
    uint64_t sequence
    uint32_t symbol_id
    uint16_t kind
    uint16_t length
    char name[NAME_BYTES]           # UTF-8, zero-padded


cdef inline void fill_symbol_record(
    SymbolRecord* record, uint64_t sequence, uint32_t symbol_id, const char* name, size_t length
) noexcept nogil:
    memset(record, 0, sizeof(SymbolRecord))
    record.sequence = sequence
    record.symbol_id = symbol_id
    record.kind = KIND_SYMBOL
    record.length = <uint16_t>length
    memcpy(record.name, name, length)
