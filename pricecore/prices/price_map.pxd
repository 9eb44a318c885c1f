"""The store alone: slots and symbols, without a stream, counters or latency."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from pricecore.prices.slot cimport Hold, Slot, slot_free, slot_pair, slot_read, slot_read_word, slot_store, slot_take
from pricecore.prices.symbols cimport SymbolTable
from pricecore.prices.validation cimport Rules
from pricecore.primitives.atomics cimport fetch_add_relaxed
from pricecore.primitives.segment cimport Segment
from pricecore.types cimport FLAG_NO_SOURCE_TIME, KIND_PRICE, Record


cdef inline uint64_t map_store(Slot* slot, uint64_t* ticket, Record* record) noexcept nogil:
    """Make a trade the latest of its symbol; returns its sequence. Two writers of one symbol take turns."""
    cdef Hold hold
    slot_take(slot_pair(slot, KIND_PRICE), &hold)
    record.sequence = fetch_add_relaxed(ticket, 1) + 1
    record.kind = KIND_PRICE
    record.flags = 0 if record.timestamp_ns else FLAG_NO_SOURCE_TIME
    slot_store(&hold, <const uint64_t*>record)
    slot_free(&hold, record.sequence)
    return record.sequence


cdef class PriceMap:
    cdef Segment segment
    cdef SymbolTable symbol_table
    cdef Slot* slots
    cdef Rules rules

    cdef int32_t add_symbol(self, object symbol) except -1
