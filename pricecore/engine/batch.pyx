"""Batches: chunks of rows get tickets and are published. Contract: hotpath.pxd."""

from libc.stdint cimport uint64_t

from pricecore.delivery.ring cimport TAKEN, cell_publish, lap_is_over, ring_cell, ring_claim
from pricecore.engine.chunk cimport Chunk, Rows, chunk_fill, row_record
from pricecore.engine.hotpath cimport STORED, Engine, Tally, is_late, is_open, publish
from pricecore.prices.slot cimport Hold, copy_complete, slot_free, slot_pair, slot_restore, slot_take
from pricecore.primitives.atomics cimport likely, store_seven, unlikely
from pricecore.primitives.steps cimport (
    AT_CHUNK_CLAIMED, AT_RING_FILLED, AT_RING_PUBLISHED, AT_ROW, AT_SLOT_FREED, AT_SLOT_STORED, AT_SLOT_TAKEN,
    AT_TICKET_CLAIMED, step,
)
from pricecore.primitives.waiting cimport wake_readers
from pricecore.types cimport Record, head_symbol


cdef inline void store_row(const Chunk* chunk, uint64_t k, uint64_t* to) noexcept nogil:
    """Write the payload of row k's record."""
    store_seven(
        to, chunk.heads[k], <uint64_t>chunk.times[k], <uint64_t>chunk.received_ns, (<const uint64_t*>chunk.a)[k],
        (<const uint64_t*>chunk.b)[k], (<const uint64_t*>chunk.c)[k], (<const uint64_t*>chunk.d)[k])


cdef inline void publish_held_row(
    Engine* engine, const Chunk* chunk, uint64_t k, uint64_t sequence, Hold* hold
) noexcept nogil:
    """As publish_held, from columns: the record is never put together on the way."""
    cdef uint64_t* cell = ring_cell(&engine.ring, sequence)
    step(AT_TICKET_CLAIMED)
    store_row(chunk, k, cell)
    step(AT_RING_FILLED)
    store_row(chunk, k, hold.target.words)
    copy_complete(hold.target, sequence)
    step(AT_SLOT_STORED)
    cell_publish(cell, sequence)
    step(AT_RING_PUBLISHED)
    slot_free(hold, sequence)
    step(AT_SLOT_FREED)


cdef bint publish_odd_row(Engine* engine, const Chunk* chunk, uint64_t k, uint64_t sequence, int kind) noexcept nogil:
    """Publish a row that has to wait, or that the slot has no use for; False: it is out of order."""
    cdef Record record
    row_record(chunk, k, sequence, &record)
    return publish(engine, &record, kind, False) == STORED


cdef inline bint publish_row(
    Engine* engine, const Chunk* chunk, uint64_t k, uint64_t sequence, int kind
) noexcept nogil:
    """Publish row k under its ticket; False: it is out of order."""
    cdef Hold hold
    if likely(lap_is_over(&engine.ring, sequence)):
        slot_take(slot_pair(&engine.slots[head_symbol(chunk.heads[k])], kind), &hold)
        step(AT_SLOT_TAKEN)
        if likely(sequence > hold.newest_sequence and not is_late(engine, &hold, chunk.times[k])):
            publish_held_row(engine, chunk, k, sequence, &hold)
            return True
        slot_restore(&hold)
    return publish_odd_row(engine, chunk, k, sequence, kind)


cdef void publish_chunk(Engine* engine, int kind, uint64_t first, Chunk* chunk, Tally* tally) noexcept nogil:
    """Publish the rows of a chunk under its tickets, from `first` on."""
    cdef uint64_t k, stored = 0
    step(AT_CHUNK_CLAIMED)
    for k in range(chunk.filled):
        step(AT_ROW)
        stored += publish_row(engine, chunk, k, first + k, kind)
    tally.published += stored
    tally.out_of_order += chunk.filled - stored
    chunk.filled = 0
    wake_readers(engine.waits, engine.bell)


cdef Progress publish_rows(
    Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally
) noexcept nogil:
    """Apply the rows from chunk.next on, in order; call between begin_writing and end_writing. ROWS_WAIT: the chunk
    waits; call again, or chunk_drop first."""
    cdef uint64_t first
    while likely(is_open(engine)):          # asked for every chunk: `close` waits
        if chunk.filled == 0:
            chunk_fill(engine, rows, symbols, chunk, tally)
        if chunk.filled == 0:
            return ROWS_DONE
        if unlikely(ring_claim(&engine.ring, chunk.filled, &first) != TAKEN):
            return ROWS_WAIT
        publish_chunk(engine, rows.kind, first, chunk, tally)
    return ROWS_DONE if chunk.filled == 0 and chunk.next == rows.count else ROWS_SHUT
