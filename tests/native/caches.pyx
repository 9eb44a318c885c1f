"""A cache seen from C: whether it is whole, and its calls from another module."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint64_t

from pricecore.caching.core cimport now_of
from pricecore.caching.price_cache cimport PriceCache
from pricecore.caching.store cimport quick_get, quick_put
from pricecore.prices.lru cimport LRU_END, lru_newest, lru_tag
from pricecore.prices.wheel cimport (
    WHEEL_BUCKETS, WHEEL_LEVEL_BITS, WHEEL_LEVELS, Wheel, bucket_tick, highest_bit, tick_of, wheel_is_due,
)


def put_and_get(PriceCache cache, key, value):
    """Put and get by the functions that other modules cimport."""
    quick_put(cache, <PyObject*>key, <PyObject*>value, None)
    return quick_get(cache, <PyObject*>key, None)


def is_due(PriceCache cache):
    """Whether the next call has something to collect or to move."""
    return cache.wheel != NULL and wheel_is_due(cache.wheel, now_of(cache))


def check(PriceCache cache):
    """Raise AssertionError when the cache is not what lru.pxd and wheel.pxd promise."""
    seen = check_list(cache)
    check_places(cache, seen)
    check_free(cache, seen)
    if cache.wheel != NULL:
        check_wheel(cache, seen)


cdef object check_list(PriceCache cache):
    """Return the entries in the list; it leads forth and back alike."""
    cdef int32_t index = lru_newest(&cache.lru), before = LRU_END
    seen = []
    while index != LRU_END:
        assert 0 < index < cache.lru.fresh <= cache.lru.capacity + 1, index
        assert cache.lru.entries[index].newer == before
        assert cache.lru.entries[index].key != NULL and cache.lru.entries[index].value != NULL
        assert cache.lru.entries[index].tag == lru_tag(hash(<object>cache.lru.entries[index].key))
        seen.append(index)
        assert len(seen) <= cache.lru.count, "the list is longer than the count, or a circle"
        before, index = index, cache.lru.entries[index].older
    assert cache.lru.entries[LRU_END].newer == before
    assert len(seen) == cache.lru.count <= cache.lru.capacity
    return seen


cdef object check_places(PriceCache cache, seen):
    """Each entry stands in one place, and nothing empty lies between its home and it."""
    cdef uint64_t place, i
    cdef uint64_t mask = cache.lru.mask
    assert mask + 1 >= 2 * <uint64_t>cache.lru.capacity
    found = []
    for place in range(mask + 1):
        if cache.lru.places[place].index == 0:
            continue
        found.append(cache.lru.places[place].index)
        assert cache.lru.places[place].tag == cache.lru.entries[cache.lru.places[place].index].tag
        i = cache.lru.places[place].tag & mask
        while i != place:
            assert cache.lru.places[i].index != 0, "a probe would not reach it"
            i = (i + 1) & mask
    assert sorted(found) == sorted(seen)


def tick(expires_ns):
    return tick_of(expires_ns)


def home(PriceCache cache, number):
    """Where a search for a key with the hash of this number begins."""
    return lru_tag(hash(number)) & cache.lru.mask


def longest_way(PriceCache cache):
    """How many places the longest search passes on the way to an entry."""
    cdef uint64_t place, mask = cache.lru.mask
    filled = [place for place in range(mask + 1) if cache.lru.places[<uint64_t>place].index]
    return max((place - cache.lru.places[<uint64_t>place].tag) & mask for place in filled)


cdef object check_free(PriceCache cache, seen):
    """Entries that were used are in the list or free, none is both."""
    cdef int32_t index = cache.lru.free
    free = []
    while index:
        assert cache.lru.entries[index].key == NULL
        free.append(index)
        index = cache.lru.entries[index].older
    assert sorted(free + seen) == list(range(1, cache.lru.fresh))


cdef object check_wheel(PriceCache cache, seen):
    """Each timer is in the bucket of its tick, or due; entries that are free have none."""
    cdef Wheel* wheel = cache.wheel
    cdef int level, bucket
    timed = walk(wheel, wheel.due)
    due = len(timed)
    for level in range(WHEEL_LEVELS):
        for bucket in range(WHEEL_BUCKETS):
            inside = walk(wheel, wheel.buckets + level * WHEEL_BUCKETS + bucket)
            check_bucket(wheel, level, bucket, inside)
            timed += inside
    assert len(timed) == wheel.count and set(timed) <= set(seen)
    assert sorted(timed) == [i for i in range(1, cache.lru.capacity + 1) if wheel.timers[i].expires_ns]
    assert wheel.next == 0 or not due


cdef object check_bucket(Wheel* wheel, int level, int bucket, inside):
    cdef uint64_t tick
    for index in inside:
        tick = max(tick_of(wheel.timers[<int32_t>index].expires_ns), wheel.elapsed)
        assert highest_bit(tick ^ wheel.elapsed | 1) // WHEEL_LEVEL_BITS == level
        assert <int>(tick >> (level * WHEEL_LEVEL_BITS)) & (WHEEL_BUCKETS - 1) == bucket
        assert wheel.filled[level] >> bucket & 1, "nobody would look here"
        assert wheel.next <= bucket_tick(wheel, level, bucket)


cdef object walk(Wheel* wheel, int32_t end):
    cdef int32_t index = wheel.timers[end].after, before = end
    found = []
    while index != end:
        assert wheel.timers[index].before == before
        found.append(index)
        before, index = index, wheel.timers[index].after
    assert wheel.timers[end].before == before
    return found
