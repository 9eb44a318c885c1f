"""A signed 64-bit counter that any number of threads add to, also without the GIL.

Source: none needed; one atomic fetch-and-add.
Contract: no add is lost. Beyond the range of int64 the value wraps around, as two's complement does.
Progress: `counter_add` and `counter_get` are wait-free, `counter_reset` is lock-free.
Invariants: the word is alone on its cache line, so neighbours in memory do not slow it down.
Orderings: all relaxed. The count itself is exact; it publishes no other data, so a thread that has seen
a count may not conclude that it also sees what was written before that count was added.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport cas_relaxed, fetch_add_relaxed, load_relaxed, store_relaxed


cdef struct Counter:
    uint64_t bits                   # the signed value as two's complement


cdef inline Counter* counter_new(int64_t value) noexcept nogil:
    """Return a counter on a cache line of its own, or NULL without memory; `counter_free` releases it."""
    cdef Counter* counter = <Counter*> aligned_zeroed(sizeof(Counter))
    if counter != NULL:
        store_relaxed(&counter.bits, <uint64_t> value)
    return counter


cdef inline void counter_free(Counter* counter) noexcept nogil:
    aligned_free(counter)


cdef inline int64_t counter_add(Counter* counter, int64_t n) noexcept nogil:
    """Add `n`, which may be negative, and return the new value."""
    return <int64_t> (fetch_add_relaxed(&counter.bits, <uint64_t> n) + <uint64_t> n)


cdef inline int64_t counter_get(const Counter* counter) noexcept nogil:
    return <int64_t> load_relaxed(&counter.bits)


cdef inline int64_t counter_reset(Counter* counter) noexcept nogil:
    """Set the counter to 0 and return what it held: every add is in exactly one of the values returned."""
    cdef uint64_t held = load_relaxed(&counter.bits)
    while not cas_relaxed(&counter.bits, &held, 0):
        pass
    return <int64_t> held


cdef class AtomicCounter:
    cdef Counter* counter
