"""Level 3: a cache's memory: the LRU and the wheel of prices/, with Python's keys and values in them.

Source      the structures in prices/lru.pxd and prices/wheel.pxd.
Contract    Between `hold` and `let_go` no Python runs: comparing keys, the only step of a search that may, is done
            outside, and what it found is looked at again. References that leave the cache are collected in a Removed
            and released once it is whole again and let go, because that runs Python too: `__del__`, `on_evict`.
Progress    A call repeats its search only when the cache was changed while Python compared two keys, at most
            MAX_SEARCHES times.
Invariants  `wheel` is NULL until the first entry that expires: a cache without such entries reads no clock. A call
            collects at most BUDGET entries that it was not asked about.
Orderings   With a GIL who runs holds the cache, and `hold` is nothing. Without one it is a lock: `hold` (acquire)
            pairs with `let_go` (release). Counters are relaxed words: the housekeeping thread reads them meanwhile.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from pricecore.metrics.latency cimport LatencyBuffer
from pricecore.prices.lru cimport Lru, lru_tag
from pricecore.prices.symbols cimport cached_hash, is_exact_str
from pricecore.prices.wheel cimport Wheel
from pricecore.primitives.atomics cimport FREE_THREADED, load_relaxed, store_relaxed
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns
from pricecore.primitives.turns cimport TurnLock, turn_lock, turn_unlock

cdef enum:
    BUDGET = 8                      # entries that a call collects beside its own work
    MAX_SEARCHES = 1000

cdef enum:                          # why an entry left: telling.REASONS in words
    LEFT_CAPACITY = 0
    LEFT_EXPIRED = 1
    LEFT_DELETED = 2
    LEFT_REASONS = 3

cdef struct CacheCounts:            # relaxed words, for the housekeeping thread too
    uint64_t capacity
    uint64_t inserted               # less those that have left: the size
    uint64_t[LEFT_REASONS] left
    uint64_t hits
    uint64_t misses
    uint64_t callback_errors
    uint64_t loads
    uint64_t load_errors

cdef struct RemovedEntry:
    PyObject* key                   # these references are to be released
    PyObject* value
    int reason

cdef struct Removed:
    PyObject* old                   # a value that another one has replaced, or NULL
    int count
    RemovedEntry[BUDGET + 2] entries


cdef inline uint64_t counted_size(const CacheCounts* counts) noexcept nogil:
    """Return how many entries there are; of a cache that is changed at this moment, a few more or less."""
    cdef uint64_t left = 0
    cdef int reason
    for reason in range(LEFT_REASONS):
        left += load_relaxed(&counts.left[reason])
    return max(load_relaxed(&counts.inserted), left) - left


cdef inline void nobody(Removed* removed) noexcept nogil:
    removed.old = NULL
    removed.count = 0


cdef inline void count_up(uint64_t* word) noexcept nogil:
    """One writer at a time: who holds the cache."""
    store_relaxed(word, load_relaxed(word) + 1)


cdef class CacheCore:
    cdef object __weakref__
    cdef Lru lru
    cdef Wheel* wheel
    cdef CacheCounts counts
    cdef TurnLock lock
    cdef uint64_t loading           # loads under way, relaxed: then whoever changes a key tells `loads`
    cdef int64_t ttl_ns             # 0: entries do not expire by themselves
    cdef int64_t ahead_ns           # of the clock: 0, but in tests that cannot wait
    cdef object on_evict
    cdef object loads               # None: there is no loader
    cdef LatencyBuffer load_latency     # likewise

    cdef int same_key(self, int32_t index, PyObject* key) except -1
    cdef int32_t find(self, PyObject* key, uint32_t tag) except -1
    cdef int32_t find_live(self, PyObject* key, uint32_t tag, Removed* removed) except -1
    cdef int32_t drop_expired(self, int32_t index, Removed* removed) noexcept nogil
    cdef void take_out(self, int32_t index, int reason, Removed* removed) noexcept nogil
    cdef void collect(self, int64_t now_ns, Removed* removed) noexcept nogil
    cdef int32_t insert(self, PyObject* key, PyObject* value, uint32_t tag, Removed* removed) noexcept
    cdef bint has_wheel(self) noexcept nogil
    cdef void expire_in(self, int32_t index, int64_t ttl_ns) noexcept nogil
    cdef int release(self, Removed* removed) except -1
    cdef int release_telling(self, Removed* removed) except -1
    cdef int tell(self, object key, object value, int reason) except -1
    cdef int forget_load(self, object key) except -1


cdef inline void hold(CacheCore cache) noexcept nogil:
    """From here on nobody else reads or changes the cache, and its last change is seen."""
    if FREE_THREADED:
        turn_lock(&cache.lock)


cdef inline void let_go(CacheCore cache) noexcept nogil:
    if FREE_THREADED:
        turn_unlock(&cache.lock)


cdef inline int32_t size_of(CacheCore cache) noexcept nogil:
    cdef int32_t size
    hold(cache)
    size = cache.lru.count
    let_go(cache)
    return size


cdef inline int64_t now_of(CacheCore cache) noexcept nogil:
    return clock_ns(CLOCK_STEADY) + cache.ahead_ns


cdef inline uint32_t tag_of(PyObject* key) except? 0:
    """Return the tag of a key's hash; TypeError for what has none."""
    if is_exact_str(key) and cached_hash(key) != -1:
        return lru_tag(cached_hash(key))
    return lru_tag(hash(<object>key))
