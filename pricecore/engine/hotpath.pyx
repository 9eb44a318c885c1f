"""Batches: rows are validated and given tickets in chunks. Contract: hotpath.pxd."""

from libc.stdint cimport int64_t, uint64_t

from pricecore.engine.closing cimport end_writing
from pricecore.primitives.steps cimport AT_CHUNK_CLAIMED, AT_ROW, step


cdef void fill_chunk(
    const Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally
) noexcept nogil:
    """Collect the next good rows; bad ones are counted and skipped."""
    cdef int64_t now_ns = clock_read(engine.clock, clock_ticks(engine.clock)).wall_ns
    cdef Record* records = chunk.records
    cdef Py_ssize_t i = chunk.next
    cdef uint64_t filled = 0
    cdef int reason
    while i < rows.count and filled < CHUNK_ROWS:
        reason = read_row(engine, rows, i, now_ns, &records[filled])
        if likely(reason == 0):
            reason = read_id(rows, i, symbols, &records[filled])
        i += 1
        if likely(reason == 0):
            filled += 1
        else:
            tally.errors[reason] += 1
            tally.refused += 1
    chunk.next, chunk.filled = i, filled


cdef void publish_chunk(Engine* engine, const Rows* rows, uint64_t first, Chunk* chunk, Tally* tally) noexcept nogil:
    """Publish the rows of a chunk under its tickets, from `first` on."""
    cdef Record* records = chunk.records
    cdef uint64_t k
    step(AT_CHUNK_CLAIMED)
    for k in range(chunk.filled):
        step(AT_ROW)
        records[k].sequence = first + k
        if likely(publish(engine, &records[k], rows.kind, False) == STORED):
            tally.published += 1
        else:
            tally.out_of_order += 1
    chunk.filled = 0
    wake_readers(engine.waits, engine.bell)


cdef Progress publish_chunks(
    Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally
) noexcept nogil:
    cdef uint64_t first
    while likely(is_open(engine)):          # asked for every chunk: `close` waits
        if chunk.filled == 0:
            fill_chunk(engine, rows, symbols, chunk, tally)
        if chunk.filled == 0:
            return ROWS_DONE
        if unlikely(ring_claim(&engine.ring, chunk.filled, &first) != TAKEN):
            return ROWS_WAIT
        publish_chunk(engine, rows, first, chunk, tally)
    return ROWS_DONE if chunk.filled == 0 and chunk.next == rows.count else ROWS_SHUT


cdef Progress publish_rows(
    Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally
) noexcept nogil:
    """Apply the rows from chunk.next on, in order; call behind begin_writing, which this ends. ROWS_WAIT: the chunk
    waits; call again, or drop_chunk first."""
    cdef Progress progress = publish_chunks(engine, rows, symbols, chunk, tally)
    end_writing(engine)
    return progress


cdef void drop_chunk(Chunk* chunk, Tally* tally) noexcept nogil:
    """Refuse the rows that found no room."""
    tally.errors[REASON_RING_FULL] += chunk.filled
    tally.refused += chunk.filled
    chunk.filled = 0
