"""Level 2: a circular window of latencies in ns, in memory of the caller's choice.

Source      a ring that overwrites its oldest sample; nothing of it is new.
Contract    A window is `capacity` sample words and two words of state: `recorded`, samples since the reset, and
            `position`, where the next one goes. All start as zero. It holds no pointer, so it may lie in a shared
            segment. One writer at a time: on an interpreter with a GIL, whoever holds it; without a GIL, any
            threads. Readers anywhere, at any time.
Progress    Recording and copying are wait-free.
Invariants  min(recorded, capacity) samples are valid, in the words from 0 on. With one writer, position ==
            recorded % capacity: it only saves the division (5 ns). Without a GIL the place is claimed by counting,
            so that two threads never write one word, and position stays unused.
Orderings   All relaxed: a sample is one word and never torn, and a statistic needs no order between samples. A
            reader may find a sample counted whose word still holds the one before it: of the last lap or, in a
            fresh window, zero. A sample being recorded during a reset may end up on either side of it.
"""

from libc.stdint cimport uint64_t

from pricecore.metrics.percentiles cimport LatencySummary
from pricecore.primitives.atomics cimport FREE_THREADED, fetch_add_relaxed, load_relaxed, owned_add, store_relaxed


cdef inline void put_sample(uint64_t* samples, uint64_t place, uint64_t latency_ns) noexcept nogil:
    store_relaxed(samples + place, latency_ns)


cdef inline uint64_t claim_places(uint64_t* recorded, uint64_t n) noexcept nogil:
    # The number of the first of n samples that no other thread writes.
    return fetch_add_relaxed(recorded, n)


cdef inline uint64_t samples_recorded(const uint64_t* recorded) noexcept nogil:
    return load_relaxed(recorded)


cdef inline uint64_t next_place(uint64_t place, uint64_t capacity) noexcept nogil:
    place += 1
    return place if place < capacity else 0


cdef inline void window_record_owned(
    uint64_t* samples, uint64_t capacity, uint64_t* recorded, uint64_t* position, uint64_t latency_ns
) noexcept nogil:
    # For one writer at a time.
    cdef uint64_t place = load_relaxed(position)
    put_sample(samples, place, latency_ns)
    store_relaxed(position, next_place(place, capacity))
    owned_add(recorded, 1)


cdef inline void window_record_shared(
    uint64_t* samples, uint64_t capacity, uint64_t* recorded, uint64_t latency_ns
) noexcept nogil:
    # For any number of writers.
    put_sample(samples, claim_places(recorded, 1) % capacity, latency_ns)


cdef inline void window_record(
    uint64_t* samples, uint64_t capacity, uint64_t* recorded, uint64_t* position, uint64_t latency_ns
) noexcept nogil:
    if FREE_THREADED:
        window_record_shared(samples, capacity, recorded, latency_ns)
    else:
        window_record_owned(samples, capacity, recorded, position, latency_ns)


cdef inline void window_record_many(
    uint64_t* samples, uint64_t capacity, uint64_t* recorded, uint64_t* position, uint64_t latency_ns, uint64_t n
) noexcept nogil:
    # n equal samples, of which at most capacity are written. The division is once a call.
    cdef uint64_t _i, place
    if FREE_THREADED:
        place = claim_places(recorded, n) % capacity
    else:
        place = load_relaxed(position)
        store_relaxed(position, (place + n) % capacity)
        owned_add(recorded, n)
    for _i in range(min(n, capacity)):
        put_sample(samples, place, latency_ns)
        place = next_place(place, capacity)


cdef inline size_t window_copy(
    const uint64_t* samples, uint64_t capacity, const uint64_t* recorded, uint64_t* out
) noexcept nogil:
    # The valid samples, in no order; out has room for capacity words. Returns how many.
    cdef size_t i, n = <size_t> min(samples_recorded(recorded), capacity)
    for i in range(n):
        out[i] = load_relaxed(samples + i)
    return n


cdef inline void window_reset(uint64_t* recorded, uint64_t* position) noexcept nogil:
    # Also what a window needs that another process wrote before: its position may be stale.
    store_relaxed(position, 0)
    store_relaxed(recorded, 0)


# The summary as people read it: a LatencyStats in us.
cdef object latency_stats(const LatencySummary* summary)


cdef class LatencyBuffer:
    cdef uint64_t* samples_         # capacity words, then the two of state
    cdef uint64_t* recorded
    cdef uint64_t* position
    cdef readonly size_t capacity
