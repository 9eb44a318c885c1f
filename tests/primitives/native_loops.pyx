"""Loops over the C functions of counter, queue and pool that run without the GIL, so that threads overlap."""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from pricecore.primitives.atomics cimport backoff
from pricecore.primitives.counter cimport AtomicCounter, Counter, counter_add, counter_get, counter_reset
from pricecore.primitives.pool cimport (
    Buffer,
    BufferPool,
    Pool,
    buffer_append,
    pool_acquire,
    pool_release,
)
from pricecore.primitives.queue cimport (
    QUEUE_CLOSED,
    Queue,
    UpdateQueue,
    claim_pop,
    claim_push,
    queue_close,
    queue_try_pop,
    queue_try_pop_many,
    queue_try_push,
    queue_try_push_many,
    stamp_written,
)


def add_ones(AtomicCounter counter, int64_t times):
    """Add 1 `times` times; return the sum of the values seen after each add, modulo 2**64."""
    cdef Counter* word = counter.counter
    cdef uint64_t seen = 0
    cdef int64_t _
    with nogil:
        for _ in range(times):
            seen += <uint64_t> counter_add(word, 1)
    return seen


def reset_often(AtomicCounter counter, int64_t times):
    """Reset `times` times; return the sum of what was taken out."""
    cdef Counter* word = counter.counter
    cdef int64_t taken = 0
    cdef int64_t _
    with nogil:
        for _ in range(times):
            taken += counter_reset(word)
    return taken


cdef inline uint64_t check_value(uint64_t producer, uint64_t i) noexcept nogil:
    return (producer + 1) * <uint64_t> 0x9E3779B97F4A7C15 + i * <uint64_t> 0xBF58476D1CE4E5B9


def push_numbered(UpdateQueue queue, uint64_t producer, uint64_t count):
    """Push records (producer, i, six times their check value) for i below `count`; return how many went in."""
    cdef Queue* cells = queue.queue
    cdef uint64_t[8] record
    cdef uint64_t i, j
    cdef int64_t pushed = 0
    cdef unsigned tries = 0
    with nogil:
        for i in range(count):
            record[0] = producer
            record[1] = i
            for j in range(2, 8):
                record[j] = check_value(producer, i)
            tries = 0
            pushed = queue_try_push(cells, record)
            while pushed == 0:
                backoff(&tries)
                pushed = queue_try_push(cells, record)
            if pushed == QUEUE_CLOSED:
                break
        else:
            i = count
    return i


def pop_numbered(UpdateQueue queue, uint64_t producers):
    """Pop until closed and drained: (records a producer, torn records, records older than one popped before)."""
    cdef Queue* cells = queue.queue
    cdef uint64_t[8] record
    cdef uint64_t[16] counts
    cdef int64_t[16] last
    cdef uint64_t j, producer
    cdef uint64_t torn = 0
    cdef uint64_t disordered = 0
    cdef int64_t popped
    cdef unsigned tries = 0
    assert producers <= 16
    memset(counts, 0, sizeof(counts))
    memset(last, 0xFF, sizeof(last))
    with nogil:
        while True:
            popped = queue_try_pop(cells, record)
            if popped == QUEUE_CLOSED:
                break
            if popped == 0:
                backoff(&tries)
                continue
            tries = 0
            producer = record[0]
            if producer >= producers:
                torn += 1
                continue
            for j in range(2, 8):
                if record[j] != check_value(producer, record[1]):
                    torn += 1
                    break
            counts[producer] += 1
            disordered += <int64_t> record[1] <= last[producer]
            last[producer] = <int64_t> record[1]
    return [counts[j] for j in range(producers)], torn, disordered


cdef void meet(Counter* gate, int64_t arrivals) noexcept nogil:
    cdef unsigned tries = 0
    counter_add(gate, 1)
    while counter_get(gate) < arrivals:
        backoff(&tries)


def race_single(UpdateQueue queue, AtomicCounter gate, bint popping, bint leads, int64_t supply, int64_t rounds):
    """Two threads try at once for `supply` records (or free cells), `rounds` times; return what this one got."""
    cdef Queue* cells = queue.queue
    cdef Counter* word = gate.counter
    cdef uint64_t[8] record
    cdef int64_t i, _
    cdef bytearray results = bytearray(rounds)
    cdef unsigned char* outcomes = results
    memset(record, 0, sizeof(record))
    with nogil:
        for i in range(rounds):
            for _ in range(supply if popping and leads else 0):
                queue_try_push(cells, record)
            meet(word, 4 * i + 2)
            outcomes[i] = <unsigned char> (queue_try_pop(cells, record) if popping else queue_try_push(cells, record))
            meet(word, 4 * i + 4)
            for _ in range(supply if not popping and leads else 0):
                queue_try_pop(cells, record)
    return results


def race_with_close(list queues, AtomicCounter gate, bint closes):
    """On each empty queue one thread pushes 32 records at once, the other closes and pops; return how many."""
    cdef Counter* word = gate.counter
    cdef Py_ssize_t rounds = len(queues)
    cdef uint64_t[32 * 8] records
    cdef Queue** cells = <Queue**> malloc(rounds * sizeof(Queue*))
    cdef bytearray results = bytearray(8 * rounds)
    cdef int64_t* counts = <int64_t*> <char*> results
    cdef int64_t more
    cdef Py_ssize_t i
    for i in range(rounds):
        cells[i] = (<UpdateQueue?> queues[i]).queue
    memset(records, 0, sizeof(records))
    with nogil:
        for i in range(rounds):
            meet(word, 2 * i + 2)
            if not closes:
                counts[i] = queue_try_push_many(cells[i], records, 32)
                continue
            queue_close(cells[i])
            more = queue_try_pop_many(cells[i], records, 32)
            while more != QUEUE_CLOSED:
                counts[i] += more
                more = queue_try_pop_many(cells[i], records, 32)
    free(cells)
    return memoryview(results).cast("q").tolist()


def begin_push(UpdateQueue queue):
    """Claim a cell as a push does and stop there, like a thread that lost its core; return the position."""
    cdef uint64_t first = 0
    assert claim_push(queue.queue, 1, &first) == 1
    return first


def end_push(UpdateQueue queue, uint64_t position):
    stamp_written(queue.queue, position, position + 1)


def begin_pop(UpdateQueue queue):
    """Claim a record as a pop does and stop there; return the position."""
    cdef uint64_t first = 0
    assert claim_pop(queue.queue, 1, &first) == 1
    return first


def end_pop(UpdateQueue queue, uint64_t position):
    stamp_written(queue.queue, position, position + queue.queue.mask + 1)


def cycle_buffers(BufferPool pool, int64_t rounds, unsigned char mark):
    """Hold three buffers filled with `mark` a round; return how often a byte was another's before release."""
    cdef Pool* memory = pool.pool
    cdef Buffer[3] held
    cdef unsigned char[48] payload
    cdef int64_t i, j, k, _
    cdef int64_t spoiled = 0
    memset(payload, mark, sizeof(payload))
    with nogil:
        for i in range(rounds):
            for j in range(3):
                spoiled += not pool_acquire(memory, &held[j])
                # The third grows from time to time.
                for _ in range(4 if j == 2 and i % 64 == 0 else 1):
                    buffer_append(memory, &held[j], payload, sizeof(payload))
            for j in range(3):
                for k in range(<int64_t> held[j].size):
                    spoiled += <unsigned char> held[j].data[k] != mark
                pool_release(memory, &held[j])
    return spoiled
