"""`BufferPool` and `PooledBuffer`: the pool of pool.pxd as Python objects; the algorithm is explained there.

A `PooledBuffer` may be used by one thread at a time. Two that do so all the same may spoil its bytes, not the
process: every method holds the object's critical section, which costs nothing where there is a GIL.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t

from pricecore.primitives.atomics cimport load_relaxed
from pricecore.primitives.pool cimport (
    NO_PLACE,
    POOL_MAX_BUFFER_BYTES,
    POOL_MAX_BUFFERS,
    PoolCounts,
    buffer_append,
    buffer_fits,
    count_of,
    free_seen,
    pool_acquire,
    pool_counts,
    pool_free,
    pool_new,
    pool_release,
    pool_reset_counts,
    top_of,
)

import operator

from pricecore.errors import BufferInUseError, BufferReleasedError
from pricecore.primitives.pool_stats import PoolStats


cdef uint64_t checked_size(object number, str name, uint64_t limit) except 0:
    cdef object size = operator.index(number)
    if not 1 <= size <= limit:
        raise ValueError(f"{name} must be from 1 to {limit:,}, got {number!r}")
    return size


@cython.final
cdef class BufferPool:
    """Byte buffers of one size that are used again instead of allocated.

    Parameters
    ----------
    buffers : int, default 512
        Buffers that the pool owns, 1 to 65,535.
    buffer_size : int, default 1_024
        Bytes of each, 1 to 1,073,741,824.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    MemoryError
        No memory for it: buffers x buffer_size (in whole cache lines), touched on first use.

    Notes
    -----
    An exchange's JSON message has 100 to 900 bytes, hence 1 KiB. The number is a budget for frames in
    flight: 8 feeds x 32 frames received and not yet decoded (256), and as many held by the application.

    Threads: all methods, any thread.
    Cost: see each method.

    Examples
    --------
    >>> from pricecore.primitives.pool import BufferPool
    >>> pool = BufferPool(buffers=2)
    >>> with pool.acquire() as buffer:
    ...     buffer.extend(b"frame")
    ...     bytes(buffer), len(buffer), pool.stats().available
    (b'frame', 5, 1)
    """

    def __cinit__(self, buffers=512, buffer_size=1_024):
        cdef uint64_t count = checked_size(buffers, "buffers", POOL_MAX_BUFFERS)
        cdef uint64_t size = checked_size(buffer_size, "buffer_size", POOL_MAX_BUFFER_BYTES)
        self.pool = pool_new(count, size)
        if self.pool == NULL:
            raise MemoryError(f"no memory for {count} buffers of {size} bytes")

    def __dealloc__(self):
        # Every outstanding buffer holds a reference to its pool, so none is left.
        pool_free(self.pool)

    def acquire(self):
        """Take an empty buffer from the pool; from the heap, counted as a miss, when the pool has none.

        Returns
        -------
        PooledBuffer
            Empty. It goes back by `release`, at the end of its `with` block, or when it is garbage-collected.

        Raises
        ------
        MemoryError
            The pool is empty and so is the heap.

        Threads: any.
        Cost: lock-free unless it misses, then one malloc; allocates the Python object from a free list.
        """
        cdef PooledBuffer buffer = PooledBuffer.__new__(PooledBuffer)
        if not pool_acquire(self.pool, &buffer.buffer):
            raise MemoryError("no memory for a buffer")
        buffer.owner = self
        buffer.live = True
        return buffer

    def release(self, PooledBuffer buffer not None):
        """Give a buffer back; the same as `buffer.release()`.

        Parameters
        ----------
        buffer : PooledBuffer
            Acquired from this pool.

        Raises
        ------
        ValueError
            `buffer` belongs to another pool.
        BufferReleasedError
            `buffer` was released before.
        BufferInUseError
            Views of its memory are alive; it stays acquired.

        Threads: any.
        Cost: lock-free; one free if the buffer came from a miss or had grown.
        """
        with cython.critical_section(buffer):
            if buffer.owner is not self and buffer.owner is not None:
                raise ValueError(f"the buffer belongs to another pool: {buffer.owner!r}")
            buffer.give_back()

    def stats(self):
        """Return the pool's figures of this moment.

        Returns
        -------
        PoolStats
            A copy. Counts since the start or the last `reset_stats`; available and outstanding are of now.

        Threads: any.
        Cost: wait-free; reads one word a buffer; allocates the result.
        """
        cdef PoolCounts counts
        pool_counts(self.pool, &counts)
        return PoolStats(
            capacity=self.pool.buffers,
            available=counts.available,
            outstanding=counts.outstanding,
            hits=counts.hits,
            misses=counts.misses,
            dropped=counts.dropped,
            utilization=(self.pool.buffers - counts.available) / <double> self.pool.buffers,
        )

    def reset_stats(self):
        """Begin hits, misses and dropped at 0 again; available and outstanding stay.

        Threads: any.
        Cost: wait-free; reads one word a buffer.
        """
        pool_reset_counts(self.pool)

    @property
    def capacity(self):
        """Buffers that the pool owns."""
        return self.pool.buffers

    @property
    def buffer_size(self):
        """Bytes that a buffer holds before it has to grow."""
        return self.pool.buffer_size

    def __repr__(self):
        available = count_of(free_seen(self.pool))
        return f"<BufferPool of {self.pool.buffers} x {self.pool.buffer_size} bytes, {available} available>"

    def _check(self):
        """Check the invariants of pool.pxd; for tests, while no other thread uses the pool."""
        cdef uint64_t word = free_seen(self.pool)
        cdef uint64_t place = top_of(word)
        cdef set met = set()
        while place != 0:
            if place > self.pool.buffers or place in met:
                raise AssertionError(f"place {place} out of range or twice in the free list")
            met.add(place)
            place = load_relaxed(&self.pool.places[place - 1].next)
        if <uint64_t> len(met) != count_of(word):
            raise AssertionError(f"{len(met)} places in the free list, counted {count_of(word)}")


@cython.final
@cython.no_gc
@cython.freelist(32)
cdef class PooledBuffer:
    """Bytes in memory of a `BufferPool`; made by `BufferPool.acquire` and by nothing else.

    It has the buffer protocol: `memoryview(buffer)`, `bytes(buffer)` and every function that takes bytes see
    the filled bytes, without a copy; views are writable. While a view is alive the memory stays where it is:
    `clear`, `release` and an `extend` that would have to move raise `BufferInUseError`. After `release`
    every use raises `BufferReleasedError`.

    Threads: one at a time; it may be handed from thread to thread.
    Cost: see each method; none blocks.
    """

    def __init__(self):
        raise TypeError("a PooledBuffer comes from BufferPool.acquire()")

    def __dealloc__(self):
        if self.live:
            pool_release(self.owner.pool, &self.buffer)

    cdef int require_live(self) except -1:
        if not self.live:
            raise BufferReleasedError("the buffer went back to its pool: acquire another one")
        return 0

    cdef int require_no_views(self, str action) except -1:
        if self.views:
            raise BufferInUseError(f"cannot {action} the buffer: {self.views} views of its memory are alive")
        return 0

    cdef int append(self, const void* source, size_t more) except -1:
        self.require_live()
        if not buffer_fits(&self.buffer, more):
            self.require_no_views("grow")
        if not buffer_append(self.owner.pool, &self.buffer, source, more):
            raise MemoryError(f"no memory to extend the buffer by {more} bytes")
        return 0

    cdef int give_back(self) except -1:
        self.require_live()
        self.require_no_views("release")
        self.live = False
        pool_release(self.owner.pool, &self.buffer)
        return 0

    def extend(self, data):
        """Append a copy of `data`; a buffer that has no room left moves to more memory until it is released.

        Parameters
        ----------
        data : bytes-like
            Contiguous; may be empty.

        Raises
        ------
        TypeError
            `data` is not bytes-like.
        BufferReleasedError
            The buffer was released.
        BufferInUseError
            It would have to move while views of its memory are alive; nothing was appended.
        MemoryError
            No memory to grow; nothing was appended.

        Threads: one at a time.
        Cost: a copy; allocates only when it grows, to at least twice the room.
        """
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            with cython.critical_section(self):
                self.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            return
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            with cython.critical_section(self):
                self.append(view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def clear(self):
        """Make the buffer empty; its room stays.

        Raises
        ------
        BufferReleasedError
            The buffer was released.
        BufferInUseError
            Views of its memory are alive.

        Threads: one at a time.
        Cost: O(1).
        """
        with cython.critical_section(self):
            self.require_live()
            self.require_no_views("clear")
            self.buffer.size = 0

    def release(self):
        """Give the buffer back to its pool.

        Raises
        ------
        BufferReleasedError
            The buffer was released before.
        BufferInUseError
            Views of its memory are alive; it stays acquired.

        Threads: one at a time.
        Cost: lock-free; one free if the buffer came from a miss or had grown.
        """
        with cython.critical_section(self):
            self.give_back()

    def __enter__(self):
        with cython.critical_section(self):
            self.require_live()
        return self

    def __exit__(self, error_type, error, traceback):
        # Released early inside the block is fine; still alive views are not.
        with cython.critical_section(self):
            if self.live:
                self.give_back()

    def __len__(self):
        """Return the number of bytes filled."""
        with cython.critical_section(self):
            self.require_live()
            return self.buffer.size

    def __bytes__(self):
        """Return a copy of the filled bytes."""
        with cython.critical_section(self):
            self.require_live()
            return PyBytes_FromStringAndSize(self.buffer.data, self.buffer.size)

    def __getbuffer__(self, Py_buffer* view, int flags):
        with cython.critical_section(self):
            self.require_live()
            PyBuffer_FillInfo(view, self, self.buffer.data, self.buffer.size, False, flags)
            self.views += 1

    def __releasebuffer__(self, Py_buffer* view):
        with cython.critical_section(self):
            self.views -= 1

    def __repr__(self):
        with cython.critical_section(self):
            if not self.live:
                return "<PooledBuffer, released>"
            where = "heap" if self.buffer.place == NO_PLACE else f"place {self.buffer.place}"
            return f"<PooledBuffer of {self.buffer.size} bytes, room for {self.buffer.room}, {where}>"
