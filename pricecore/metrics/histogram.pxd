"""Level 2: cumulative base-2 histogram of latency, eight buckets an octave.

Source      Prometheus native histograms, schema 3: bucket k holds 2^((k-1)/8) < seconds <= 2^(k/8). The bounds are
            in seconds, so an exporter passes the counts on as they are; no bound but those of whole octaves falls
            on a whole ns, so an integer is never on the wrong side.
Contract    HISTOGRAM_WORDS words, all zero at first, anywhere: no pointer inside. Word i < HISTOGRAM_BUCKETS
            counts bucket k = i + HISTOGRAM_FIRST, the last of them everything above (98.7 s and more); the word
            behind them is the sum in ns, modulo 2^64. Bucket 0 (up to 0.93 ns) holds the zeros. One writer at a
            time as for owned_add; readers anywhere.
Progress    Adding is wait-free.
Orderings   All relaxed. Words are never torn, but counts and sum may be an update apart while one is being added.
"""

from libc.stdint cimport uint32_t, uint64_t

from pricecore.metrics.bits cimport leading_zeros
from pricecore.primitives.atomics cimport load_relaxed, owned_add, store_relaxed

# Part of the segment's layout: changing one changes the layout.
cdef enum:
    HISTOGRAM_SCHEMA = 3
    HISTOGRAM_FIRST = -240          # 2^-30 s
    HISTOGRAM_BUCKETS = 295         # the last finite one is k = 53
    HISTOGRAM_SUM = 295
    HISTOGRAM_WORDS = 296           # 37 cache lines

cdef extern from *:
    """
    /* The bounds of one octave, 2^(k/8) seconds in ns, shifted to 64 significant bits and rounded down; all
     * octaves have the same ones. */
    static const uint64_t pc_octave_bounds[8] = {
        0x81FFA7A9549CA6E3u, 0x8DC3B8960164A7D9u, 0x9A9867054D512391u, 0xA8965F74BF065071u,
        0xB7D88A12D0DD9EA0u, 0xC87C3E7D03CDBEC3u, 0xDAA17C2CD19555DBu, 0xEE6B280000000000u,
    };
    /* Which of them to compare with in each sixteenth of the octave: none holds more than one. */
    static const uint8_t pc_bound_near[16] = {0, 1, 2, 2, 3, 3, 4, 5, 5, 5, 6, 6, 7, 7, 7, 7};
    """
    const uint64_t[8] octave_bounds "pc_octave_bounds"
    const unsigned char[16] bound_near "pc_bound_near"


cdef inline uint32_t histogram_bucket(uint64_t ns) noexcept nogil:
    # Exact for every integer. The lowest bound above 1 ns ends bucket 1.
    cdef unsigned zeros = leading_zeros(ns | 1)
    cdef uint64_t shifted = ns << zeros
    cdef uint32_t bound = bound_near[(shifted >> 59) & 15]
    bound += shifted > octave_bounds[bound]
    return min((63 - zeros) * 8 + bound + (ns != 0), <uint32_t> HISTOGRAM_BUCKETS - 1)


cdef inline void histogram_add(uint64_t* words, uint64_t ns, uint64_t n) noexcept nogil:
    # n latencies of ns each.
    owned_add(words + histogram_bucket(ns), n)
    owned_add(words + HISTOGRAM_SUM, ns * n)


cdef inline void histogram_collect(const uint64_t* words, uint64_t* total) noexcept nogil:
    # Adds the words to a private total: the histograms of several writers make one.
    cdef size_t i
    for i in range(<size_t> HISTOGRAM_WORDS):
        total[i] += load_relaxed(words + i)


cdef inline void histogram_reset(uint64_t* words) noexcept nogil:
    cdef size_t i
    for i in range(<size_t> HISTOGRAM_WORDS):
        store_relaxed(words + i, 0)


# A frozen Histogram of private words (collected ones: this reads them plainly).
cdef object histogram_of(const uint64_t* total)
