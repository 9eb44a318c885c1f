"""`UpdateQueue`: the queue of queue.pxd as a Python object; algorithm and orderings are explained there."""

cimport cython
cimport numpy as cnp
from cpython.object cimport PyTypeObject
from cpython.ref cimport Py_INCREF, PyObject
from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.queue cimport (
    QUEUE_CLOSED,
    QUEUE_MAX_CAPACITY,
    QUEUE_MIN_CAPACITY,
    closed_bit,
    position_seen,
    queue_close,
    queue_free,
    queue_is_closed,
    queue_new,
    queue_size,
    queue_try_pop,
    queue_try_pop_many,
    queue_try_push,
    queue_try_push_many,
    stamp_seen,
)
from pricecore.primitives.record_source cimport Source, source_close, source_open
from pricecore.types cimport RECORD_BYTES, RECORD_WORDS

import operator

from pricecore import dtypes
from pricecore.errors import QueueClosedError

cdef extern from "numpy/arrayobject.h":
    # Not in numpy's own declarations, or not with "no base" as NULL.
    PyTypeObject PyArray_Type
    object PyArray_Scalar(void* data, cnp.PyArray_Descr* dtype, PyObject* base)
    object PyArray_NewFromDescr(
        PyTypeObject* subtype, cnp.PyArray_Descr* dtype, int dimensions, cnp.npy_intp* shape, cnp.npy_intp* strides,
        void* data, int flags, PyObject* array
    )

cnp.import_array()

cdef object RECORD = dtypes.RECORD_DTYPE
cdef enum:
    # Giving up the GIL and taking it again costs 38 ns; copying this many records takes ten times that.
    NOGIL_RECORDS = 128


cdef uint64_t rounded_capacity(object capacity) except 0:
    cdef object wanted = operator.index(capacity)
    cdef uint64_t cells = QUEUE_MIN_CAPACITY
    if not 1 <= wanted <= QUEUE_MAX_CAPACITY:
        raise ValueError(f"capacity must be from 1 to {QUEUE_MAX_CAPACITY:,} records, got {capacity!r}")
    while cells < <uint64_t> wanted:
        cells *= 2
    return cells


cdef int raise_closed(str why) except -1:
    raise QueueClosedError(f"the queue is closed: {why}")


cdef cnp.ndarray new_records(uint64_t count):
    # numpy prepares every field of a structured array that it allocates (700 ns), not of one it is given.
    cdef cnp.npy_intp size_bytes = <cnp.npy_intp> (count * RECORD_BYTES)
    cdef cnp.npy_intp shape = <cnp.npy_intp> count
    cdef cnp.ndarray memory = cnp.PyArray_EMPTY(1, &size_bytes, cnp.NPY_UINT8, False)
    cdef cnp.ndarray records
    Py_INCREF(RECORD)               # the array takes over one reference
    records = PyArray_NewFromDescr(
        &PyArray_Type, <cnp.PyArray_Descr*> RECORD, 1, &shape, NULL, cnp.PyArray_DATA(memory),
        cnp.NPY_ARRAY_CARRAY, NULL
    )
    cnp.set_array_base(records, memory)
    return records


@cython.final
cdef class UpdateQueue:
    """Bounded first-in-first-out queue of 64-byte records between any number of threads.

    Parameters
    ----------
    capacity : int
        Records that fit, 1 to 67,108,864; rounded up to a power of two, at least 2.

    Raises
    ------
    ValueError
        `capacity` is outside that range.
    MemoryError
        No memory for it: 72 bytes a record, touched on first use.

    Notes
    -----
    No call waits for another thread; a thread stopped in the middle of a copy makes the queue look full or
    empty at its place until it goes on. Records go in and out as bytes: nothing is checked or converted.

    Threads: all methods, any thread.
    Cost: see each method; memory is allocated here and nowhere else, except for what pops return.

    Examples
    --------
    >>> import numpy as np
    >>> from pricecore import dtypes
    >>> from pricecore.primitives.queue import UpdateQueue
    >>> queue = UpdateQueue(1_000)
    >>> queue.try_push_many(np.zeros(3, RECORD_DTYPE)), len(queue), queue.capacity
    (3, 3, 1024)
    >>> queue.try_pop()["price"]
    np.float64(0.0)
    """

    def __cinit__(self, capacity):
        self.queue = queue_new(rounded_capacity(capacity))
        if self.queue == NULL:
            raise MemoryError(f"no memory for a queue of {capacity} records")

    def __dealloc__(self):
        queue_free(self.queue)

    def try_push(self, record):
        """Push one record unless the queue is full.

        Parameters
        ----------
        record : numpy.void, 0-d array or bytes-like
            64 bytes, for example a scalar of `RECORD_DTYPE`; they are copied.

        Returns
        -------
        bool
            True: pushed. False: full.

        Raises
        ------
        QueueClosedError
            The queue was closed.
        ValueError
            `record` has another size or is not contiguous.
        TypeError
            `record` has no bytes, or holds Python objects.

        Threads: any.
        Cost: does not block; O(1); allocates nothing.
        """
        cdef Source source
        cdef int64_t pushed
        source_open(&source, record)
        if source.size_bytes != RECORD_BYTES:
            source_close(&source)
            raise ValueError(f"a record has {RECORD_BYTES} bytes, got {source.size_bytes}")
        pushed = queue_try_push(self.queue, source.data)
        source_close(&source)
        if pushed == QUEUE_CLOSED:
            raise_closed("nothing can be pushed")
        return pushed != 0

    def try_pop(self):
        """Pop the oldest record.

        Returns
        -------
        numpy.void or None
            A scalar of `RECORD_DTYPE` that owns its bytes; None: the queue is empty.

        Raises
        ------
        QueueClosedError
            The queue was closed and nothing is left in it.

        Threads: any.
        Cost: does not block; O(1); allocates the scalar.
        """
        cdef uint64_t[RECORD_WORDS] record
        cdef int64_t popped = queue_try_pop(self.queue, record)
        if popped == QUEUE_CLOSED:
            raise_closed("nothing is left to pop")
        if popped == 0:
            return None
        return PyArray_Scalar(record, <cnp.PyArray_Descr*> RECORD, NULL)

    def try_push_many(self, records):
        """Push the first records of a batch, as many as fit, next to each other.

        Parameters
        ----------
        records : numpy.ndarray or bytes-like
            Contiguous, a multiple of 64 bytes, for example an array of `RECORD_DTYPE`; they are copied.

        Returns
        -------
        int
            How many were pushed: the first ones. Fewer than given: the queue is full.

        Raises
        ------
        QueueClosedError
            The queue was closed: none was pushed.
        ValueError
            The size is no multiple of 64, or `records` is not contiguous.
        TypeError
            `records` has no bytes, or holds Python objects.

        Threads: any; a batch of 128 or more is copied without the GIL, so it must not be changed meanwhile.
        Cost: does not block; one claim for the batch, then a copy; allocates nothing.
        """
        cdef Source source
        cdef int64_t pushed
        cdef uint64_t count
        source_open(&source, records)
        count = <uint64_t> source.size_bytes // RECORD_BYTES
        if count * RECORD_BYTES != <uint64_t> source.size_bytes:
            source_close(&source)
            raise ValueError(f"records have {RECORD_BYTES} bytes each, got {source.size_bytes} bytes")
        if count >= NOGIL_RECORDS:
            with nogil:
                pushed = queue_try_push_many(self.queue, source.data, count)
        else:
            pushed = queue_try_push_many(self.queue, source.data, count)
        source_close(&source)
        if pushed == QUEUE_CLOSED:
            raise_closed("nothing can be pushed")
        return pushed

    def try_pop_many(self, max_items):
        """Pop the oldest records, at most `max_items`.

        Parameters
        ----------
        max_items : int
            At least 1.

        Returns
        -------
        numpy.ndarray
            0 to `max_items` records of `RECORD_DTYPE` in memory of its own. It may hold fewer than the queue
            when other threads push or pop at the same time.

        Raises
        ------
        QueueClosedError
            The queue was closed and nothing is left in it.
        ValueError
            `max_items` is below 1.

        Threads: any; 128 or more are copied without the GIL.
        Cost: does not block; one claim for the batch, then a copy; allocates the array.
        """
        cdef object wanted = operator.index(max_items)
        if wanted < 1:
            raise ValueError(f"max_items must be at least 1, got {max_items!r}")
        return self.pop_up_to(min(wanted, QUEUE_MAX_CAPACITY))

    cdef object pop_up_to(self, uint64_t limit):
        cdef uint64_t count = min(limit, queue_size(self.queue))
        cdef cnp.ndarray records = new_records(count)
        cdef void* data = cnp.PyArray_DATA(records)
        cdef int64_t popped
        if count >= NOGIL_RECORDS:
            with nogil:
                popped = queue_try_pop_many(self.queue, data, count)
        else:
            popped = queue_try_pop_many(self.queue, data, count)
        if popped == QUEUE_CLOSED:
            raise_closed("nothing is left to pop")
        return records if <uint64_t> popped == count else records[:popped].copy()

    def close(self):
        """Refuse every push from now on; what is inside can still be popped. Closing twice is allowed.

        A push that runs at the same time either counts, and its records can be popped, or raises.

        Threads: any.
        Cost: wait-free.
        """
        queue_close(self.queue)

    @property
    def closed(self):
        """Whether `close` was called."""
        return queue_is_closed(self.queue)

    @property
    def capacity(self):
        """Records that fit."""
        return self.queue.mask + 1

    def __len__(self):
        """Return the number of records inside at this moment, those just being copied included."""
        return queue_size(self.queue)

    def __repr__(self):
        state = ", closed" if queue_is_closed(self.queue) else ""
        return f"<UpdateQueue of {queue_size(self.queue)} of {self.queue.mask + 1} records{state}>"

    def _check(self):
        """Check the invariants of queue.pxd; for tests, while no other thread uses the queue."""
        cdef uint64_t capacity = self.queue.mask + 1
        cdef uint64_t head = position_seen(&self.queue.head)
        cdef uint64_t tail = position_seen(&self.queue.tail) & ~closed_bit()
        cdef uint64_t position
        if not head <= tail <= head + capacity:
            raise AssertionError(f"head {head}, tail {tail}, capacity {capacity}")
        for position in range(head, head + capacity):
            expected = position + 1 if position < tail else position
            if stamp_seen(self.queue, position) != expected:
                raise AssertionError(f"stamp of position {position}: {stamp_seen(self.queue, position)} not {expected}")
