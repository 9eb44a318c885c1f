"""Level 5: the figures of a cache in the segment, which the housekeeping thread writes without the GIL."""

from libc.stdint cimport uint64_t

from pricecore.caching.core cimport CacheCore, CacheCounts
from pricecore.metrics.latency cimport LatencyBuffer
from pricecore.primitives.segment cimport Figure, Layout, Segment

cdef enum:
    CACHE_COUNTS = 10
    CACHE_LATENCIES = 8
    CACHE_FIGURES = CACHE_COUNTS + CACHE_LATENCIES

cdef struct CacheNode:
    CacheNode* next
    const CacheCounts* counts
    const uint64_t* samples         # the window of load latencies; NULL: there is no loader
    const uint64_t* recorded
    uint64_t sample_capacity
    Figure* figures[CACHE_FIGURES]  # as cache_names.FIELDS


cdef class CacheFigures:
    cdef CacheNode node
    cdef CacheCore cache            # these three live as long as the node
    cdef LatencyBuffer latency
    cdef Segment segment


cdef void write_caches(const CacheNode* node) noexcept nogil
cdef void forget_figures(const Layout* layout) noexcept nogil
