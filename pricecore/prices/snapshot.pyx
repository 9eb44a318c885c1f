"""Fills the rows of SNAPSHOT_DTYPE from the slots. Every row is consistent; the array is not one moment."""

import numpy as np

cimport numpy as cnp
from libc.math cimport NAN
from libc.stdint cimport int32_t, int64_t, uint64_t

from pricecore.prices.slot cimport Slot, slot_pair, slot_read
from pricecore.types cimport KIND_PRICE, KIND_QUOTE, Record

from pricecore.dtypes import SNAPSHOT_DTYPE

cnp.import_array()

cdef struct Row:                    # SNAPSHOT_DTYPE
    int32_t symbol_id
    int32_t padding
    double price
    double volume
    double change_24h
    int64_t timestamp_ns
    int64_t received_ns
    double bid
    double ask
    double bid_size
    double ask_size
    int64_t quote_timestamp_ns
    int64_t quote_received_ns


cdef void fill_row(Row* row, Slot* slot, int32_t symbol_id) noexcept nogil:
    """Fill one row of zeroed memory; what is missing is NaN or 0."""
    cdef Record record
    row.symbol_id = symbol_id
    row.price = row.change_24h = row.bid = row.ask = NAN
    if slot_read(slot_pair(slot, KIND_PRICE), <uint64_t*>&record):
        row.price, row.volume, row.change_24h = record.price, record.volume, record.change_24h
        row.timestamp_ns, row.received_ns = record.timestamp_ns, record.received_ns
    if slot_read(slot_pair(slot, KIND_QUOTE), <uint64_t*>&record):
        row.bid, row.ask, row.bid_size, row.ask_size = record.price, record.volume, record.change_24h, record.reserved
        row.quote_timestamp_ns, row.quote_received_ns = record.timestamp_ns, record.received_ns


cdef object snapshot_of(Slot* slots, int32_t count):
    cdef cnp.ndarray out = np.zeros(count, SNAPSHOT_DTYPE)
    cdef Row* rows = <Row*>cnp.PyArray_DATA(out)
    cdef int32_t i
    assert sizeof(Row) == SNAPSHOT_DTYPE.itemsize
    with nogil:
        for i in range(count):
            fill_row(&rows[i], &slots[i], i)
    return out
