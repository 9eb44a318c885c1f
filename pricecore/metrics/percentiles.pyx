"""Level 2: the summary of a window: lowest, four percentiles, highest, mean.

Values below SMALL are counted one by one, so that a rank among them is read off the counts. Usually that is all: an
update of SMALL ns is a slow one. The large values are moved to the front and left to selection.pyx.
"""

cimport numpy as cnp
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from pricecore.metrics.selection cimport Wanted, select, take_counted

cnp.import_array()

cdef enum:
    RANKS = 6
    SMALL = 4096                    # ns; values below are counted exactly
    LANES = 2                       # equal neighbours hit different counters: none waits for the store before
    LANE = SMALL + 16               # the counter at SMALL takes large values; 16 keeps the second lane aligned
    BLOCK = 4                       # values looked at together: usually all small

cdef uint32_t[4] PERMILLE = [500, 950, 990, 999]


cdef void summarize(uint64_t* samples, size_t n, LatencySummary* out) noexcept nogil:
    cdef size_t[RANKS] ranks
    cdef uint64_t[RANKS] values
    cdef Wanted wanted = Wanted(RANKS, &ranks[0], &values[0])
    cdef size_t i
    memset(out, 0, sizeof(LatencySummary))
    memset(values, 0, sizeof(values))
    if n == 0:
        return
    ranks[0] = 0
    for i in range(4):
        ranks[1 + i] = rank_of(n, PERMILLE[i])
    ranks[RANKS - 1] = n - 1
    out.count = n
    out.mean_ns = select_all(samples, n, wanted) / <double> n
    out.min_ns, out.p50_ns, out.p95_ns = values[0], values[1], values[2]
    out.p99_ns, out.p999_ns, out.max_ns = values[3], values[4], values[5]


cdef double select_all(uint64_t* values, size_t n, Wanted wanted) noexcept nogil:
    # Answers all ranks; returns the sum of the values.
    cdef uint32_t[LANES * LANE] counters
    cdef uint64_t sum_small = 0
    cdef size_t i, n_large = count_small(values, n, counters, &sum_small)
    cdef double total = <double> sum_small + sum_large(values, n_large)
    take_counted(&wanted, counters, n - n_large, 0)
    if wanted.count > 0:
        for i in range(wanted.count):
            wanted.ranks[i] -= n - n_large
        select(values, n_large, wanted, counters)
    return total


cdef size_t count_small(uint64_t* values, size_t n, uint32_t* counters, uint64_t* total) noexcept nogil:
    # Counts values below SMALL in counters[0:SMALL], moves the others to the front and returns how many they are.
    cdef size_t i, _block, n_large = 0
    cdef uint64_t sum_small = 0
    cdef const uint64_t* here = values
    memset(counters, 0, LANES * LANE * sizeof(uint32_t))
    for _block in range(n // BLOCK):
        if (here[0] | here[1] | here[2] | here[3]) < SMALL:
            for i in range(<size_t> BLOCK):
                counters[(i % LANES) * LANE + here[i]] += 1
                sum_small += here[i]
        else:
            n_large += count_or_keep(here, BLOCK, counters, values + n_large, &sum_small)
        here += BLOCK
    n_large += count_or_keep(here, n % BLOCK, counters, values + n_large, &sum_small)
    for i in range(<size_t> SMALL):
        counters[i] += counters[LANE + i]
    total[0] = sum_small
    return n_large


cdef inline size_t count_or_keep(
    const uint64_t* values, size_t n, uint32_t* counters, uint64_t* large, uint64_t* sum_small
) noexcept nogil:
    # No branch on the value: where half are large, every other one would be mispredicted.
    cdef size_t i, n_large = 0
    cdef uint64_t value, clipped
    for i in range(n):
        value = values[i]
        clipped = value if value < SMALL else SMALL
        counters[(i % LANES) * LANE + clipped] += 1
        sum_small[0] += clipped
        large[n_large] = value
        n_large += value >= SMALL
    sum_small[0] -= n_large * SMALL
    return n_large


cdef double sum_large(const uint64_t* values, size_t n) noexcept nogil:
    # In two halves: neither overflows below 2^32 values.
    cdef size_t i
    cdef uint64_t low = 0, high = 0
    for i in range(n):
        low += values[i] & 0xFFFFFFFFU
        high += values[i] >> 32
    return <double> high * 4294967296.0 + <double> low


def _rank_of(n, permille):
    """Return the rank of a percentile of n samples. For tests."""
    return rank_of(n, permille)


def _summarize(cnp.ndarray samples):
    """Return the summary of a contiguous uint64 array, which is used up, as a dict. For tests."""
    cdef uint64_t* words = <uint64_t*> cnp.PyArray_DATA(samples)
    cdef size_t n = <size_t> cnp.PyArray_SIZE(samples)
    cdef LatencySummary out
    with nogil:
        summarize(words, n, &out)
    return out
