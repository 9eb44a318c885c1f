"""Writes the figures of caches: all relaxed words, of which some may be a moment older than others."""

from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

from pricecore.caching.core cimport (
    LEFT_CAPACITY, LEFT_DELETED, LEFT_EXPIRED, CacheCore, CacheCounts, counted_size,
)
from pricecore.metrics.latency cimport window_copy
from pricecore.metrics.percentiles cimport LatencySummary, summarize
from pricecore.primitives.atomics cimport load_acquire, load_relaxed
from pricecore.primitives.segment cimport FIGURE_COUNT, Figure, Layout, Segment, figure_set, segment_at

from pricecore.engine.cache_names import figure_names


cdef void write_counts(const CacheNode* node) noexcept nogil:
    cdef const CacheCounts* counts = node.counts
    cdef uint64_t[CACHE_COUNTS] values
    cdef int i
    values[0] = load_relaxed(&counts.capacity)
    values[1] = counted_size(counts)
    values[2] = load_relaxed(&counts.left[LEFT_CAPACITY])
    values[3] = load_relaxed(&counts.left[LEFT_EXPIRED])
    values[4] = load_relaxed(&counts.left[LEFT_DELETED])
    values[5] = load_relaxed(&counts.hits)
    values[6] = load_relaxed(&counts.misses)
    values[7] = load_relaxed(&counts.callback_errors)
    values[8] = load_relaxed(&counts.loads)
    values[9] = load_relaxed(&counts.load_errors)
    for i in range(CACHE_COUNTS):
        figure_set(node.figures[i], <double>values[i])


cdef void write_latencies(const CacheNode* node, const LatencySummary* summary) noexcept nogil:
    cdef double[CACHE_LATENCIES] values
    cdef int i
    values[0], values[1], values[2] = summary.p50_ns / 1e3, summary.p95_ns / 1e3, summary.p99_ns / 1e3
    values[3], values[4] = summary.p999_ns / 1e3, summary.mean_ns / 1e3
    values[5], values[6], values[7] = summary.min_ns / 1e3, summary.max_ns / 1e3, <double>summary.count
    for i in range(CACHE_LATENCIES):
        figure_set(node.figures[CACHE_COUNTS + i], values[i])


cdef void write_load_latency(const CacheNode* node) noexcept nogil:
    """Without memory for a copy of the samples the figures stay as they are."""
    cdef LatencySummary summary
    cdef uint64_t* copy = <uint64_t*>malloc(node.sample_capacity * sizeof(uint64_t))
    if copy == NULL:
        return
    summarize(copy, window_copy(node.samples, node.sample_capacity, node.recorded, copy), &summary)
    free(copy)
    write_latencies(node, &summary)


cdef void write_caches(const CacheNode* node) noexcept nogil:
    """Write the figures of this cache and of those added before it."""
    while node != NULL:
        write_counts(node)
        if node.samples != NULL:
            write_load_latency(node)
        node = node.next


cdef void forget_figures(const Layout* layout) noexcept nogil:
    """Caches, log and subscriptions of a writer before are gone: views see a capacity, and a durability, of 0."""
    cdef Figure* figures = <Figure*>segment_at(layout, layout.offsets.figures)
    cdef uint64_t i, count = load_acquire(&layout.header.figure_count.value)    # pairs with Segment.figure
    for i in range(min(count, <uint64_t>FIGURE_COUNT)):
        if memcmp(figures[i].name, b"cache/", 6) == 0 or memcmp(figures[i].name, b"log_", 4) == 0 or (
                memcmp(figures[i].name, b"sub/", 4) == 0):
            figure_set(&figures[i], 0.0)


cdef class CacheFigures:
    """Finds the places of a cache's figures, and fills them for the first time."""

    def __cinit__(self, Segment segment not None, name, CacheCore cache not None):
        self.segment = segment
        self.cache = cache
        self.latency = cache.load_latency
        self.node.next = NULL
        self.node.counts = &cache.counts
        self.node.samples = NULL
        if self.latency is not None:
            self.node.samples = self.latency.samples_
            self.node.recorded = self.latency.recorded
            self.node.sample_capacity = self.latency.capacity
        for i, figure in enumerate(figure_names(name)):
            self.node.figures[i] = segment.figure(figure)
        write_caches(&self.node)
