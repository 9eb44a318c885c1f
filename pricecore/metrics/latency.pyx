"""Level 2: `LatencyBuffer`, the window of latency.pxd as a class of its own."""

cimport cython
cimport numpy as cnp
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from pricecore.metrics.percentiles cimport LatencySummary, summarize

from operator import index

from pricecore.metrics.summary import LatencyStats

cnp.import_array()

cdef enum:
    MAX_CAPACITY = 64_000_000       # samples: half a gigabyte


@cython.final
cdef class LatencyBuffer:
    """The last `capacity` latencies and their exact percentiles.

    Parameters
    ----------
    capacity : int
        Samples to keep, 1 to 64,000,000; exact. A full buffer forgets its oldest sample.

    Raises
    ------
    ValueError
        If capacity is out of range.
    MemoryError
        If there is no room for 8 bytes a sample.

    Threads: any method from any thread.
    Cost: allocates 8 bytes a sample, once.

    Examples
    --------
    >>> from pricecore.metrics.latency import LatencyBuffer
    >>> buffer = LatencyBuffer(capacity=3)
    >>> for latency_ns in (9_000, 100, 200, 300):
    ...     buffer.record(latency_ns)
    >>> buffer.samples().tolist()
    [100, 200, 300]
    >>> buffer.stats().p50_us
    0.2
    """

    def __cinit__(self, capacity=10_000):
        capacity = index(capacity)
        if not 1 <= capacity <= MAX_CAPACITY:
            raise ValueError(f"capacity is {capacity}: must be 1 to {MAX_CAPACITY:,} samples")
        self.capacity = capacity
        self.samples_ = <uint64_t*> calloc(self.capacity + 2, sizeof(uint64_t))
        if self.samples_ is NULL:
            raise MemoryError(f"no room for {capacity} latency samples of 8 bytes")
        self.recorded = self.samples_ + self.capacity
        self.position = self.recorded + 1

    def __dealloc__(self):
        free(self.samples_)

    def __len__(self):
        return min(samples_recorded(self.recorded), self.capacity)

    def record(self, latency_ns):
        """Add one latency.

        Parameters
        ----------
        latency_ns : int
            Nanoseconds, 0 to 2^63 - 1.

        Raises
        ------
        TypeError
            If latency_ns is not an integer: a float of seconds would be mistaken for nanoseconds.
        ValueError
            If latency_ns is out of range.

        Threads: any.
        Cost: wait-free, allocates nothing.
        """
        window_record(self.samples_, self.capacity, self.recorded, self.position, checked_latency(latency_ns))

    def stats(self):
        """Return the percentiles of the samples in the buffer.

        Returns
        -------
        LatencyStats
            In microseconds; every figure is 0.0 when there is no sample. A sample recorded meanwhile by another
            thread may or may not be in it.

        Raises
        ------
        MemoryError
            If there is no room for a copy of the samples.

        Threads: any; the GIL is released.
        Cost: waits for nobody, copies the samples, linear in their number.
        """
        cdef LatencySummary summary
        cdef bint done
        with nogil:
            done = summarize_window(self.samples_, self.capacity, self.recorded, &summary)
        if not done:
            raise MemoryError(f"no room for a copy of {self.capacity} latency samples")
        return latency_stats(&summary)

    def samples(self):
        """Return the samples in ns, oldest first.

        Returns
        -------
        numpy.ndarray
            A copy, int64. While other threads record, its newest samples may come first.

        Threads: any.
        Cost: waits for nobody, allocates 8 bytes a sample.
        """
        cdef uint64_t recorded = samples_recorded(self.recorded)
        cdef cnp.npy_intp n = <cnp.npy_intp> min(recorded, self.capacity)
        cdef uint64_t i, place = recorded % self.capacity if recorded > self.capacity else 0
        cdef cnp.ndarray out = cnp.PyArray_EMPTY(1, &n, cnp.NPY_INT64, 0)
        cdef int64_t* words = <int64_t*> cnp.PyArray_DATA(out)
        for i in range(<uint64_t> n):
            words[i] = <int64_t> load_relaxed(self.samples_ + place)
            place = next_place(place, self.capacity)
        return out

    def reset(self):
        """Forget all samples.

        Threads: any; a sample being recorded at this moment may stay.
        Cost: wait-free, allocates nothing.
        """
        window_reset(self.recorded, self.position)

    def __repr__(self):
        return f"LatencyBuffer(capacity={self.capacity}): {len(self)} samples"

    def _record_many(self, latency_ns, n):
        """Add n equal latencies. For tests of window_record_many."""
        window_record_many(
            self.samples_, self.capacity, self.recorded, self.position, checked_latency(latency_ns), n
        )

    def _record_shared(self, uint64_t first_ns, uint64_t n):
        """Add n latencies counted up from first_ns, without the GIL. For tests of window_record_shared."""
        cdef uint64_t i
        with nogil:
            for i in range(n):
                window_record_shared(self.samples_, self.capacity, self.recorded, first_ns + i)


cdef inline int64_t checked_latency(latency_ns) except -1:
    cdef int overflow = 0
    cdef int64_t ns
    if not PyLong_CheckExact(latency_ns):
        latency_ns = integer(latency_ns)
    ns = PyLong_AsLongLongAndOverflow(latency_ns, &overflow)    # -1 for what does not fit
    if ns < 0:
        raise ValueError(f"latency_ns is {latency_ns}: must be 0 to 2**63 - 1 nanoseconds")
    return ns


cdef object integer(latency_ns):
    try:
        return index(latency_ns)
    except TypeError:
        raise TypeError(
            f"latency_ns is {latency_ns!r}: must be an int of nanoseconds (ns), not {type(latency_ns).__name__}"
        ) from None


cdef bint summarize_window(
    const uint64_t* samples, uint64_t capacity, const uint64_t* recorded, LatencySummary* out
) noexcept nogil:
    # False when there is no memory for the copy.
    cdef uint64_t* copy = <uint64_t*> malloc(capacity * sizeof(uint64_t))
    if copy is NULL:
        return False
    summarize(copy, window_copy(samples, capacity, recorded, copy), out)
    free(copy)
    return True


cdef object latency_stats(const LatencySummary* summary):
    return LatencyStats(
        summary.p50_ns / 1e3,
        summary.p95_ns / 1e3,
        summary.p99_ns / 1e3,
        summary.p999_ns / 1e3,
        summary.mean_ns / 1e3,
        summary.min_ns / 1e3,
        summary.max_ns / 1e3,
        summary.count,
    )
