"""Level 5: adds the counters and windows of all writer handles up, for `metrics()` of an engine or a view."""

from libc.stdint cimport uint64_t

from pricecore.primitives.segment cimport Layout


cdef uint64_t processed_of(const Layout* layout) noexcept nogil
cdef double counted_since_s(const Layout* layout) noexcept nogil
cdef object gather_metrics(
    const Layout* layout, double throughput_per_s, double cpu_percent, object pool, dict caches, object subscriptions)
