"""Level 2: from the words of histogram.pxd to the frozen `Histogram`."""

cimport numpy as cnp
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from pricecore.metrics.summary import Histogram

cnp.import_array()


cdef object histogram_of(const uint64_t* total):
    cdef cnp.npy_intp n = HISTOGRAM_BUCKETS
    cdef cnp.ndarray counts = cnp.PyArray_EMPTY(1, &n, cnp.NPY_INT64, 0)
    memcpy(cnp.PyArray_DATA(counts), total, HISTOGRAM_BUCKETS * sizeof(uint64_t))
    cnp.PyArray_CLEARFLAGS(counts, cnp.NPY_ARRAY_WRITEABLE)
    return Histogram(counts, total[HISTOGRAM_SUM])


def _layout():
    """Return schema, first bucket and number of buckets. For tests."""
    return HISTOGRAM_SCHEMA, HISTOGRAM_FIRST, HISTOGRAM_BUCKETS


def _bucket(uint64_t ns):
    """Return the index of the bucket that counts ns. For tests."""
    return histogram_bucket(ns)


def _histogram(latencies, uint64_t repeats=1):
    """Return the Histogram of these latencies, each added `repeats` times. For tests."""
    cdef uint64_t[HISTOGRAM_WORDS] words
    cdef uint64_t[HISTOGRAM_WORDS] total
    memset(words, 0, sizeof(words))
    memset(total, 0, sizeof(total))
    for ns in latencies:
        histogram_add(words, ns, repeats)
    histogram_collect(words, total)
    histogram_reset(words)
    histogram_collect(words, total)
    return histogram_of(total)
