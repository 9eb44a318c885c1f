"""Level 2: exact percentiles of latencies in ns. Plain memory in, plain struct out, no Python, no allocation."""

from libc.stdint cimport uint32_t, uint64_t

cdef struct LatencySummary:
    # All zero when count is 0.
    uint64_t count
    uint64_t min_ns
    uint64_t p50_ns
    uint64_t p95_ns
    uint64_t p99_ns
    uint64_t p999_ns
    uint64_t max_ns
    double mean_ns


cdef inline size_t rank_of(size_t n, uint32_t permille) noexcept nogil:
    # round((n - 1) * q), half away from zero, for q = permille / 1000 and n >= 1; exact below n = 2^54.
    return ((n - 1) * permille + 500) // 1000


# Summarize n <= 2^32 - 1 samples in O(n), whatever they are. The samples are used up: what they hold afterwards is
# undefined, so pass a copy (window_copy makes one; several windows may stand one behind the other).
cdef void summarize(uint64_t* samples, size_t n, LatencySummary* out) noexcept nogil
