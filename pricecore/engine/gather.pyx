"""Adds the counters and windows of all writer handles up. Takes no lock that an update takes: what is counted
while this runs may be in or not."""

from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from pricecore.delivery.holding cimport consumers_of
from pricecore.delivery.ring cimport Ring, ring_of, ring_sequence
from pricecore.metrics.histogram cimport HISTOGRAM_WORDS, histogram_collect, histogram_of
from pricecore.metrics.latency cimport latency_stats, window_copy
from pricecore.metrics.percentiles cimport LatencySummary, summarize
from pricecore.prices.symbols cimport NameTable, name_count, name_table_of
from pricecore.primitives.atomics cimport load_relaxed
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns
from pricecore.primitives.segment cimport (
    HANDLE_COUNT, Handle, Layout, segment_handle, segment_histogram, segment_window,
)
from pricecore.types cimport REASON_COUNT

from pricecore.metrics.summary import Metrics, RingStats


cdef struct Totals:
    uint64_t processed
    uint64_t out_of_order
    uint64_t batches
    uint64_t batch_ns
    uint64_t errors[REASON_COUNT]


cdef uint64_t processed_of(const Layout* layout) noexcept nogil:
    """Return the updates processed since the last reset, over all handles."""
    cdef uint64_t total = 0
    cdef size_t i
    for i in range(<size_t>HANDLE_COUNT):
        total += load_relaxed(&segment_handle(layout, i).processed)
    return total


cdef double counted_since_s(const Layout* layout) noexcept nogil:
    """Return the time since the last reset, by the clock that nobody sets; never 0."""
    return max(clock_ns(CLOCK_STEADY) - layout.header.reset_steady_ns, 1) / 1e9


cdef uint64_t samples_of(const Layout* layout, size_t i) noexcept nogil:
    """An upper bound of the samples in a handle's window: more may come, but never more than fit."""
    return layout.geometry.latency_window if load_relaxed(&segment_handle(layout, i).processed) else 0


cdef object gather_latency(const Layout* layout):
    """Return LatencyStats over the windows of every handle."""
    cdef LatencySummary summary
    cdef uint64_t room = 0, filled = 0
    cdef uint64_t* samples
    cdef bint[HANDLE_COUNT] used
    cdef size_t i
    for i in range(<size_t>HANDLE_COUNT):
        used[i] = samples_of(layout, i) != 0
        room += layout.geometry.latency_window if used[i] else 0
    samples = <uint64_t*>malloc((room + 1) * sizeof(uint64_t))
    if samples == NULL:
        raise MemoryError(f"no memory for {room:,} latency samples")
    with nogil:
        for i in range(<size_t>HANDLE_COUNT):
            if used[i]:
                filled += window_copy(
                    segment_window(layout, i), layout.geometry.latency_window, &segment_handle(layout, i).processed,
                    samples + filled)
        summarize(samples, filled, &summary)
        free(samples)
    return latency_stats(&summary)


cdef Totals gather_totals(const Layout* layout) noexcept nogil:
    """Add the counters of all handles up."""
    cdef Totals totals
    cdef const Handle* handle
    cdef size_t i, k
    totals.processed = totals.out_of_order = totals.batches = totals.batch_ns = 0
    for k in range(<size_t>REASON_COUNT):
        totals.errors[k] = 0
    for i in range(<size_t>HANDLE_COUNT):
        handle = segment_handle(layout, i)
        totals.processed += load_relaxed(&handle.processed)
        totals.out_of_order += load_relaxed(&handle.out_of_order)
        totals.batches += load_relaxed(&handle.batches)
        totals.batch_ns += load_relaxed(&handle.batch_ns)
        for k in range(<size_t>REASON_COUNT):
            totals.errors[k] += load_relaxed(&handle.errors[k])
    return totals


cdef object gather_histogram(const Layout* layout):
    """Return the cumulative histogram of all handles."""
    cdef uint64_t total[HISTOGRAM_WORDS]
    cdef size_t i
    memset(total, 0, sizeof(total))
    for i in range(<size_t>HANDLE_COUNT):
        if load_relaxed(&segment_handle(layout, i).processed):
            histogram_collect(segment_histogram(layout, i), total)
    return histogram_of(total)


cdef object gather_metrics(
        const Layout* layout, double throughput_per_s, double cpu_percent, object pool, dict caches,
        object subscriptions):
    """Return Metrics of everything that the segment counts; `pool`, `caches`, `subscriptions` go in as they are."""
    cdef Totals totals = gather_totals(layout)
    cdef Ring ring = ring_of(layout)
    cdef NameTable names = name_table_of(layout)
    cdef size_t k
    return Metrics.build(
        latency=gather_latency(layout),
        batch_us=totals.batch_ns / 1e3 / totals.batches if totals.batches else 0.0,
        throughput_per_s=throughput_per_s,
        messages_processed=totals.processed,
        out_of_order=totals.out_of_order,
        error_counts=[totals.errors[k] for k in range(<size_t>REASON_COUNT)],
        uptime_s=max(clock_ns(CLOCK_STEADY) - layout.header.created_steady_ns, 1) / 1e9,
        cpu_percent=cpu_percent,
        symbols=name_count(&names),
        pool=pool,
        ring=RingStats(layout.geometry.ring_capacity, ring_sequence(&ring), subscriptions.lost, consumers_of(layout)),
        histogram=gather_histogram(layout),
        counted_s=counted_since_s(layout),
        caches=caches,
        subscriptions=subscriptions,
    )
