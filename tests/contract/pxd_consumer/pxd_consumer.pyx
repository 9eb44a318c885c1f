"""A foreign module that pushes records into a queue of pricecore, without the GIL."""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from pricecore.metrics.histogram cimport histogram_bucket
from pricecore.primitives.queue cimport Queue, UpdateQueue, queue_try_push
from pricecore.types cimport KIND_PRICE, RECORD_BYTES, Record


cdef uint64_t push_prices(Queue* queue, uint64_t count) noexcept nogil:
    """Push up to `count` records with the prices 1.0, 2.0 and so on; return how many the queue took."""
    cdef Record record
    cdef uint64_t i
    memset(&record, 0, sizeof(Record))
    record.kind = KIND_PRICE
    for i in range(count):
        record.sequence = i + 1
        record.price = <double>(i + 1)
        if queue_try_push(queue, &record) <= 0:
            return i
    return count


def push(UpdateQueue queue not None, uint64_t count):
    """Return how many of `count` records the queue took."""
    with nogil:
        count = push_prices(queue.queue, count)
    return count


def facts():
    """Return what only the installed .pxd and .h files know."""
    return sizeof(Record) == RECORD_BYTES, histogram_bucket(0)
