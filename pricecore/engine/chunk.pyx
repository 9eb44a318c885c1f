"""Filling chunks: whole columns at once when every row is good, else row by row. Contract: chunk.pxd."""

from libc.float cimport DBL_MAX
from libc.math cimport NAN, fabs
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from pricecore.engine.hotpath cimport Engine, Tally
from pricecore.prices.validation cimport EARLIEST_NS, Rules
from pricecore.primitives.atomics cimport likely
from pricecore.primitives.clock cimport clock_read, clock_ticks
from pricecore.types cimport FLAG_NO_SOURCE_TIME, KIND_PRICE, REASON_RING_FULL, Record, record_head


cdef void chunk_begin(Chunk* chunk, const Rows* rows) noexcept nogil:
    """Make it empty; the columns that the batch does not have get what stands for them."""
    cdef double change = NAN if rows.kind == KIND_PRICE else 0.0
    cdef uint64_t k
    chunk.next, chunk.filled = 0, 0
    for k in range(<uint64_t>CHUNK_ROWS):
        chunk.times[k] = 0
        chunk.b[k] = 0.0
        chunk.c[k] = change
        chunk.d[k] = 0.0


cdef inline uint64_t bad_prices(const double* column, uint64_t n, const Rules* rules) noexcept nogil:
    cdef double least = rules.least_price
    cdef uint64_t k, bad = 0
    for k in range(n):
        bad += not (column[k] > least) or not (column[k] <= DBL_MAX)
    return bad


cdef inline uint64_t bad_amounts(const double* column, uint64_t n) noexcept nogil:
    cdef uint64_t k, bad = 0
    for k in range(n):
        bad += not (column[k] >= 0.0) or not (column[k] <= DBL_MAX)
    return bad


cdef inline uint64_t bad_changes(const double* column, uint64_t n) noexcept nogil:
    cdef uint64_t k, bad = 0
    for k in range(n):
        bad += fabs(column[k]) > DBL_MAX
    return bad


cdef inline uint64_t bad_times(const int64_t* column, uint64_t n, int64_t now_ns, const Rules* rules) noexcept nogil:
    """A row without a time counts as bad here, too: it is read by itself."""
    cdef uint64_t k, bad = 0
    for k in range(n):
        bad += column[k] <= EARLIEST_NS or column[k] - now_ns > rules.max_future_ns
    return bad


cdef inline uint64_t copy_heads(
    const int32_t* ids, uint64_t n, uint64_t symbols, uint64_t flags, uint64_t* heads
) noexcept nogil:
    """Write word 1 of n trades; return how many ids there are not."""
    cdef uint64_t k, bad = 0
    cdef uint32_t symbol_id
    for k in range(n):
        symbol_id = <uint32_t>ids[k]
        heads[k] = record_head(symbol_id, KIND_PRICE, flags)
        bad += symbol_id >= symbols
    return bad


cdef bint copy_trades(
    const Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, uint64_t n
) noexcept nogil:
    """Copy the next n trades, if all of them are good."""
    cdef Py_ssize_t i = chunk.next
    cdef uint64_t flags = FLAG_NO_SOURCE_TIME if rows.times == NULL else 0
    cdef uint64_t bad = copy_heads(rows.ids + i, n, symbols, flags, chunk.heads)
    memcpy(chunk.a, rows.a + i, n * sizeof(double))
    bad += bad_prices(chunk.a, n, &engine.rules)
    if rows.b != NULL:
        memcpy(chunk.b, rows.b + i, n * sizeof(double))
        bad += bad_amounts(chunk.b, n)
    if rows.c != NULL:
        memcpy(chunk.c, rows.c + i, n * sizeof(double))
        bad += bad_changes(chunk.c, n)
    if rows.times != NULL:
        memcpy(chunk.times, rows.times + i, n * sizeof(int64_t))
        bad += bad_times(chunk.times, n, chunk.received_ns, &engine.rules)
    if bad:
        return False
    chunk.next += n
    chunk.filled = n
    return True


cdef void copy_row(const Record* record, Chunk* chunk) noexcept nogil:
    cdef uint64_t k = chunk.filled
    chunk.heads[k] = (<const uint64_t*>record)[1]
    chunk.times[k] = record.timestamp_ns
    chunk.a[k], chunk.b[k] = record.price, record.volume
    chunk.c[k], chunk.d[k] = record.change_24h, record.reserved
    chunk.filled += 1


cdef void copy_good_rows(
    const Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally
) noexcept nogil:
    """Collect the next good rows; bad ones are counted and skipped."""
    cdef Py_ssize_t i = chunk.next
    cdef Record record
    cdef int reason
    while i < rows.count and chunk.filled < CHUNK_ROWS:
        reason = read_row(engine, rows, i, chunk.received_ns, &record)
        if likely(reason == 0):
            reason = read_id(rows, i, symbols, &record)
        i += 1
        if likely(reason == 0):
            copy_row(&record, chunk)
        else:
            tally.errors[reason] += 1
            tally.refused += 1
    chunk.next = i


cdef void chunk_fill(
    const Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally
) noexcept nogil:
    """Collect the next rows into a chunk that is empty."""
    cdef uint64_t n = min(<uint64_t>CHUNK_ROWS, <uint64_t>(rows.count - chunk.next))
    chunk.received_ns = clock_read(engine.clock, clock_ticks(engine.clock)).wall_ns
    if rows.kind != KIND_PRICE or not copy_trades(engine, rows, symbols, chunk, n):
        copy_good_rows(engine, rows, symbols, chunk, tally)


cdef void chunk_drop(Chunk* chunk, Tally* tally) noexcept nogil:
    """Refuse the rows that found no room."""
    tally.errors[REASON_RING_FULL] += chunk.filled
    tally.refused += chunk.filled
    chunk.filled = 0
