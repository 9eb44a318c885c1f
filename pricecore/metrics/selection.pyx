"""Level 2: radix selection from the top, of several ranks at once.

Values are counted in buckets. Buckets that hold no wanted rank are dropped, and each of the others is refined by
itself: counted again over the range that its values really span. A refinement narrows the range of a bucket by five
bits or more, and by ten where there are a thousand values, so the whole is linear in n for any input: there is no
pivot, hence no unlucky order.
"""

cimport numpy as cnp
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

from pricecore.metrics.bits cimport bit_length

import numpy as np

cnp.import_array()

cdef enum:
    FEW = 32                        # as many are simply sorted
    OCTAVES = 3                     # values that span more are counted by their leading bits
    LEADING_BITS = 5                # 32 buckets an octave
    REFINE_BITS = 11                # 2,048 buckets at most; fewer for few values


cdef struct Group:
    # The values of one bucket, and the ranks wanted among them.
    size_t bucket
    size_t size
    Wanted wanted


cdef struct Scale:
    # A value's bucket is (value - low) >> shift, or the same of its leading bits.
    bint leading
    bint exact                      # a bucket is a single value
    unsigned shift
    uint64_t low
    size_t buckets


cdef void select(uint64_t* values, size_t n, Wanted wanted, uint32_t* counters) noexcept nogil:
    # The counters are scratch of each depth of the recursion in turn.
    cdef Group[MAX_RANKS] groups
    cdef size_t i, n_groups
    if n <= FEW:
        sort_few(values, n)
        for i in range(wanted.count):
            wanted.values[i] = values[wanted.ranks[i]]
        return
    cdef Scale scale = scale_of(values, n)
    count_buckets(values, n, scale, counters)
    if scale.exact:
        take_counted(&wanted, counters, n, scale.low)
        return
    n_groups = group_by_bucket(wanted, counters, groups)
    n = keep_groups(values, n, scale, groups, n_groups, counters)
    for i in range(n_groups):
        if i < n_groups - 1:        # the last one is all that is left
            move_to_front(values, n, scale, groups[i].bucket)
        select(values, groups[i].size, groups[i].wanted, counters)
        values += groups[i].size
        n -= groups[i].size


cdef void take_counted(Wanted* wanted, const uint32_t* counters, size_t counted, uint64_t low) noexcept nogil:
    cdef size_t seen = 0, bucket = 0
    while wanted.count > 0 and wanted.ranks[0] < counted:
        while seen + counters[bucket] <= wanted.ranks[0]:
            seen += counters[bucket]
            bucket += 1
        wanted.values[0] = low + bucket
        wanted.ranks += 1
        wanted.values += 1
        wanted.count -= 1


cdef Scale scale_of(const uint64_t* values, size_t n) noexcept nogil:
    # By leading bits where the values span octaves: else one outlier would squeeze all others into one bucket.
    cdef size_t i
    cdef uint64_t low = values[0], high = values[0]
    for i in range(n):
        low = min(low, values[i])
        high = max(high, values[i])
    if bit_length(high) > bit_length(low) + OCTAVES:
        low = leading_bits(low)
        return Scale(True, False, 0, low, <size_t> (leading_bits(high) - low) + 1)
    cdef unsigned bits = min(max(bit_length(n), <unsigned> LEADING_BITS), <unsigned> REFINE_BITS)
    cdef unsigned span_bits = bit_length(high - low)
    cdef unsigned shift = span_bits - bits if span_bits > bits else 0
    return Scale(False, shift == 0, shift, low, <size_t> ((high - low) >> shift) + 1)


cdef inline uint64_t leading_bits(uint64_t value) noexcept nogil:
    # The exponent and the first bits stand together at the top of a double. Its rounding keeps the order; so does
    # taking 0 for 1. Counting zero bits instead would make each value wait for the one before (x86: BSR).
    cdef double wide = <double> (value | 1)
    cdef uint64_t bits
    memcpy(&bits, &wide, sizeof(bits))
    return bits >> (52 - LEADING_BITS)


cdef inline size_t bucket_of(uint64_t value, Scale scale) noexcept nogil:
    if scale.leading:
        return <size_t> (leading_bits(value) - scale.low)
    return <size_t> ((value - scale.low) >> scale.shift)


cdef void count_buckets(const uint64_t* values, size_t n, Scale scale, uint32_t* counters) noexcept nogil:
    cdef size_t i
    if scale.buckets == 1:          # counting them up would have each wait for the one before
        counters[0] = <uint32_t> n
        return
    memset(counters, 0, scale.buckets * sizeof(uint32_t))
    for i in range(n):
        counters[bucket_of(values[i], scale)] += 1


cdef size_t group_by_bucket(Wanted wanted, const uint32_t* counters, Group* groups) noexcept nogil:
    # Ranks that fall into one bucket make a group and become ranks within that bucket.
    cdef size_t i, n_groups = 0, seen = 0, bucket = 0
    for i in range(wanted.count):
        if n_groups == 0 or wanted.ranks[i] >= seen + counters[bucket]:
            while wanted.ranks[i] >= seen + counters[bucket]:
                seen += counters[bucket]
                bucket += 1
            groups[n_groups] = Group(bucket, counters[bucket], Wanted(0, wanted.ranks + i, wanted.values + i))
            n_groups += 1
        wanted.ranks[i] -= seen
        groups[n_groups - 1].wanted.count += 1
    return n_groups


cdef size_t keep_groups(
    uint64_t* values, size_t n, Scale scale, const Group* groups, size_t n_groups, uint32_t* kept
) noexcept nogil:
    # Drops the values of all other buckets; returns how many stay. Neither this nor the next has a branch to miss.
    cdef size_t i, n_kept = 0
    cdef uint64_t value
    memset(kept, 0, scale.buckets * sizeof(uint32_t))
    for i in range(n_groups):
        kept[groups[i].bucket] = 1
    for i in range(n):
        value = values[i]
        values[n_kept] = value
        n_kept += kept[bucket_of(value, scale)]
    return n_kept


cdef void move_to_front(uint64_t* values, size_t n, Scale scale, size_t bucket) noexcept nogil:
    cdef size_t i, front = 0
    cdef uint64_t value
    for i in range(n):
        value = values[i]
        values[i] = values[front]
        values[front] = value
        front += bucket_of(value, scale) == bucket


cdef void sort_few(uint64_t* values, size_t n) noexcept nogil:
    cdef size_t i, at
    cdef uint64_t value
    for i in range(1, n):
        value = values[i]
        at = i
        while at > 0 and values[at - 1] > value:
            values[at] = values[at - 1]
            at -= 1
        values[at] = value


def _select(cnp.ndarray values, ranks):
    """Return the values at ascending ranks of a contiguous uint64 array, which is used up. For tests."""
    cdef uint32_t[SELECT_COUNTERS] counters
    cdef size_t[MAX_RANKS] wanted_ranks
    cdef uint64_t[MAX_RANKS] answers
    cdef Wanted wanted = Wanted(len(ranks), &wanted_ranks[0], &answers[0])
    for i, rank in enumerate(ranks):
        wanted_ranks[i] = rank
    select(<uint64_t*> cnp.PyArray_DATA(values), <size_t> cnp.PyArray_SIZE(values), wanted, counters)
    return np.array([answers[i] for i in range(len(ranks))], dtype=np.uint64)
