"""Batches: rows are validated and given tickets in chunks. Contract: hotpath.pxd."""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from pricecore.primitives.steps cimport AT_CHUNK_CLAIMED, AT_ROW, step


cdef void publish_rows(Engine* engine, const Rows* rows, uint64_t symbols, Tally* tally) noexcept nogil:
    """Apply every row in order; a bad one is skipped and counted."""
    cdef Record chunk[CHUNK_ROWS]
    cdef Py_ssize_t i = 0
    cdef uint64_t filled, k, first
    cdef int64_t now_ns
    cdef int reason
    memset(tally, 0, sizeof(Tally))
    while i < rows.count:
        now_ns = clock_read(engine.clock, clock_ticks(engine.clock)).wall_ns
        filled = 0
        while i < rows.count and filled < CHUNK_ROWS:
            reason = read_row(engine, rows, i, now_ns, &chunk[filled])
            if likely(reason == 0):
                reason = read_id(rows, i, symbols, &chunk[filled])
            i += 1
            if likely(reason == 0):
                filled += 1
            else:
                tally.errors[reason] += 1
                tally.refused += 1
        if filled == 0:
            continue
        if unlikely(ring_claim(&engine.ring, filled, &first) != TAKEN):
            tally.errors[REASON_RING_FULL] += filled
            tally.refused += filled
            continue
        step(AT_CHUNK_CLAIMED)
        for k in range(filled):
            step(AT_ROW)
            chunk[k].sequence = first + k
            if likely(publish(engine, &chunk[k], rows.kind, False) == STORED):
                tally.published += 1
            else:
                tally.out_of_order += 1
        wake_readers(engine.waits, engine.ring.ticket)
