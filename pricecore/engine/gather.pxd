"""Level 5: adds the counters and windows of all writer handles up, for `metrics()` of an engine or a view."""

from libc.stdint cimport uint64_t

from pricecore.primitives.segment cimport Layout
from pricecore.types cimport REASON_COUNT

cdef struct Totals:
    uint64_t processed
    uint64_t out_of_order
    uint64_t batches
    uint64_t batch_ns
    uint64_t errors[REASON_COUNT]


cdef object gather_latency(const Layout* layout)
cdef Totals gather_totals(const Layout* layout) noexcept nogil
cdef object gather_histogram(const Layout* layout)
