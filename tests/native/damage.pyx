"""Mistakes that the sanitizers of addresses and of undefined behaviour must report, made with the package's own parts.

Each stands beside the right use of the same lines, of which nothing may be reported.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.pool cimport Buffer, Pool, buffer_append, pool_acquire, pool_free, pool_new, pool_release
from pricecore.primitives.queue cimport Queue, queue_free, queue_new, queue_try_pop, queue_try_push
from pricecore.types cimport RECORD_BYTES, RECORD_WORDS


def push(size_t record_bytes):
    """Push a record for which there is so much memory: fewer than RECORD_BYTES is an overrun."""
    cdef Queue* queue = queue_new(2)
    cdef void* record = malloc(record_bytes)
    memset(record, 0, record_bytes)
    cdef int64_t pushed = queue_try_push(queue, record)
    free(record)
    queue_free(queue)
    return pushed


def push_to(bint freed):
    """Push to a queue, perhaps to one that is given back already."""
    cdef Queue* queue = queue_new(2)
    cdef char[RECORD_BYTES] record
    memset(record, 0, RECORD_BYTES)
    if freed:
        queue_free(queue)
    cdef int64_t pushed = queue_try_push(queue, record)
    if not freed:
        queue_free(queue)
    return pushed


def pop_into(size_t record_bytes):
    """Pop a record to where there is so much room."""
    cdef Queue* queue = queue_new(2)
    cdef void* record = malloc(record_bytes)
    cdef char[RECORD_BYTES] full
    memset(full, 0, RECORD_BYTES)
    queue_try_push(queue, full)
    cdef int64_t popped = queue_try_pop(queue, record)
    free(record)
    queue_free(queue)
    return popped


def append(size_t room, size_t size):
    """Fill the one buffer of a pool, of 64 bytes, as if it had so much room."""
    cdef Pool* pool = pool_new(1, 64)
    cdef Buffer buffer
    cdef char[256] data
    memset(data, 0, sizeof(data))
    pool_acquire(pool, &buffer)
    buffer.room = room
    buffer_append(pool, &buffer, data, size)
    buffer.room = 64
    pool_release(pool, &buffer)
    pool_free(pool)


def byte_of_grown(bint released):
    """Look into a buffer that has moved to the heap, perhaps after it was released."""
    cdef Pool* pool = pool_new(1, 64)
    cdef Buffer buffer
    cdef char[256] data
    cdef char* at
    memset(data, 1, sizeof(data))
    pool_acquire(pool, &buffer)
    buffer_append(pool, &buffer, data, sizeof(data))
    at = buffer.data
    if released:
        pool_release(pool, &buffer)
    cdef int found = at[100]
    if not released:
        pool_release(pool, &buffer)
    pool_free(pool)
    return found


def shifted(uint64_t bits):
    """64 and more are more than the word has."""
    return <uint64_t>1 << bits


def word_of_record(int i):
    """A record has 8 words. (Sums of signed numbers that overflow are no mistake: Python's own flags let them wrap.)"""
    cdef uint64_t[RECORD_WORDS] record
    memset(record, 0, sizeof(record))
    return record[i]


def word_at(size_t offset):
    """A word that does not stand at a multiple of 8 is misaligned."""
    cdef char* block = <char*> aligned_zeroed(64)
    cdef uint64_t word = (<uint64_t*> (block + offset))[0]
    aligned_free(block)
    return word
