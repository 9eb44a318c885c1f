"""Level 5: rows of a batch between the caller's arrays and the stream: copied once, judged, and kept by column.

The caller may change its arrays while the batch runs without the GIL: what is judged here is what is stored.
"""

from libc.math cimport NAN
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from pricecore.engine.hotpath cimport Engine, Tally, quote_flags
from pricecore.prices.validation cimport quote_reason, trade_reason
from pricecore.primitives.atomics cimport likely
from pricecore.types cimport FLAG_NO_SOURCE_TIME, KIND_PRICE, REASON_COUNT, REASON_SYMBOL_ID, Record

cdef enum:
    CHUNK_ROWS = 64                 # tickets that a batch takes at once

cdef struct Rows:                   # the columns of a batch; NULL: not given
    int kind
    Py_ssize_t count
    const int32_t* ids              # negative: -Reason of a symbol that was refused
    const double* a                 # price or bid
    const double* b                 # volume or ask
    const double* c                 # change or bid size
    const double* d                 # ask size
    const int64_t* times

cdef struct Chunk:                  # good rows that have no tickets yet
    Py_ssize_t next                 # the first row that was not looked at
    uint64_t filled
    int64_t received_ns
    uint64_t heads[CHUNK_ROWS]      # word 1 of the record: id, kind, flags
    int64_t times[CHUNK_ROWS]
    double a[CHUNK_ROWS]            # words 4 to 7, as in Rows
    double b[CHUNK_ROWS]
    double c[CHUNK_ROWS]
    double d[CHUNK_ROWS]


cdef inline int read_row(
    const Engine* engine, const Rows* rows, Py_ssize_t i, int64_t now_ns, Record* record
) noexcept nogil:
    """Copy the figures of row i once; return the Reason to refuse it."""
    record.kind = rows.kind
    record.timestamp_ns = rows.times[i] if rows.times != NULL else 0
    record.received_ns = now_ns
    record.flags = 0 if record.timestamp_ns else FLAG_NO_SOURCE_TIME
    record.price = rows.a[i]
    if rows.kind == KIND_PRICE:
        record.volume = rows.b[i] if rows.b != NULL else 0.0
        record.change_24h = rows.c[i] if rows.c != NULL else NAN
        record.reserved = 0.0
        return trade_reason(
            record.price, record.volume, record.change_24h, record.timestamp_ns, now_ns, &engine.rules)
    record.volume = rows.b[i]
    record.change_24h = rows.c[i] if rows.c != NULL else 0.0
    record.reserved = rows.d[i] if rows.d != NULL else 0.0
    record.flags |= quote_flags(record)
    return quote_reason(
        record.price, record.volume, record.change_24h, record.reserved, record.timestamp_ns, now_ns, &engine.rules)


cdef inline int read_id(const Rows* rows, Py_ssize_t i, uint64_t symbols, Record* record) noexcept nogil:
    """Copy the id of row i; return the Reason for which its symbol was refused, or 0."""
    cdef int32_t symbol_id = rows.ids[i]
    record.symbol_id = <uint32_t>symbol_id
    if likely(<uint64_t>record.symbol_id < symbols):
        return 0
    return -symbol_id if -REASON_COUNT < symbol_id < 0 else REASON_SYMBOL_ID


cdef inline void row_record(const Chunk* chunk, uint64_t k, uint64_t sequence, Record* record) noexcept nogil:
    """Make row k a record."""
    record.sequence = sequence
    (<uint64_t*>record)[1] = chunk.heads[k]
    record.timestamp_ns = chunk.times[k]
    record.received_ns = chunk.received_ns
    record.price, record.volume = chunk.a[k], chunk.b[k]
    record.change_24h, record.reserved = chunk.c[k], chunk.d[k]


cdef void chunk_begin(Chunk* chunk, const Rows* rows) noexcept nogil
cdef void chunk_fill(
    const Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally) noexcept nogil
cdef void chunk_drop(Chunk* chunk, Tally* tally) noexcept nogil
