"""Puts the words of a segment where a writer gets only after centuries."""

from libc.stdint cimport uint64_t

from pricecore.delivery.ring cimport Ring, ring_cell, ring_of, ring_publish
from pricecore.metrics.histogram cimport HISTOGRAM_SUM
from pricecore.primitives.segment cimport Handle, Segment, segment_handle, segment_histogram
from pricecore.types cimport KIND_VOID, REASON_COUNT


def set_sequence(Segment segment not None, uint64_t last):
    """As if `last` records had been published, the last lap of them VOID. Nobody writes or reads meanwhile."""
    cdef Ring ring = ring_of(&segment.layout)
    cdef uint64_t sequence
    for sequence in range(last - ring.capacity + 1, last + 1):
        ring_cell(&ring, sequence)[1] = <uint64_t> KIND_VOID << 32
        ring_publish(&ring, sequence)
    ring.ticket[0] = last


def set_counts(Segment segment not None, size_t index, uint64_t value):
    """Let every counter of a handle, and the sum of its histogram, stand at `value`."""
    cdef Handle* handle = segment_handle(&segment.layout, index)
    cdef int reason
    handle.processed = handle.out_of_order = handle.batches = handle.batch_rows = handle.batch_ns = value
    for reason in range(REASON_COUNT):
        handle.errors[reason] = value
    segment_histogram(&segment.layout, index)[HISTOGRAM_SUM] = value
