"""A cache's structures in threads without the GIL: LRU and wheel, under the lock of free-threaded interpreters.

Keys are numbers in the place of objects: no two have the same tag, so nothing looks into them. The lock is that of
turns.pxd; in a broken twin it is let go without release, taken without acquire, or not taken for a look.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from pricecore.prices.lru cimport (
    LRU_END, Lru, lru_free, lru_insert, lru_new, lru_newest, lru_oldest, lru_probe, lru_remove, lru_tag, lru_touch,
)
from pricecore.prices.wheel cimport (
    WHEEL_NONE, Wheel, wheel_add, wheel_free, wheel_new, wheel_remove, wheel_step,
)
from pricecore.primitives.atomics cimport backoff, cas_relaxed, fetch_add_relaxed, load_relaxed, store_relaxed
from pricecore.primitives.turns cimport TurnLock, turn_begin, turn_is_over, turn_lock, turn_unlock

cdef enum:
    RELAXED_UNLOCK = 1
    RELAXED_LOCK = 2
    MISSING_LOCK = 3
    KEYS = 150
    CAPACITY = 100


cdef class CacheRace:
    """The threads meet before they begin, by words that order nothing."""

    cdef TurnLock lock
    cdef Lru lru
    cdef Wheel* wheel
    cdef int64_t now_ns
    cdef uint64_t inserted
    cdef uint64_t removed
    cdef uint64_t size
    cdef uint64_t arrived

    def __cinit__(self, uint64_t threads):
        memset(&self.lock, 0, sizeof(TurnLock))
        self.size = threads
        self.wheel = wheel_new(CAPACITY)
        if not lru_new(&self.lru, CAPACITY) or self.wheel == NULL:
            raise MemoryError()
        assert len({lru_tag(number) for number in range(1, KEYS + 1)}) == KEYS

    def __dealloc__(self):
        lru_free(&self.lru)
        wheel_free(self.wheel)

    cdef void meet(self) noexcept nogil:
        cdef unsigned tries = 0
        fetch_add_relaxed(&self.arrived, 1)
        while load_relaxed(&self.arrived) < self.size:
            backoff(&tries)


cdef inline void take(CacheRace race, int broken) noexcept nogil:
    cdef uint64_t calls = load_relaxed(&race.lock.calls) & ~<uint64_t>1
    cdef unsigned tries = 0
    if broken != RELAXED_LOCK:
        turn_lock(&race.lock)
        return
    while not cas_relaxed(&race.lock.calls, &calls, calls + 1):
        calls &= ~<uint64_t>1
        backoff(&tries)


cdef inline void give(CacheRace race, int broken) noexcept nogil:
    if broken == RELAXED_UNLOCK:
        store_relaxed(&race.lock.calls, load_relaxed(&race.lock.calls) + 1)
    else:
        turn_unlock(&race.lock)


cdef inline void leave(CacheRace race, int32_t index) noexcept nogil:
    wheel_remove(race.wheel, index)
    lru_remove(&race.lru, index)
    race.removed += 1


cdef inline void collect(CacheRace race) noexcept nogil:
    cdef int32_t index
    cdef int _
    for _ in range(8):
        index = wheel_step(race.wheel, race.now_ns)
        if index == WHEEL_NONE:
            return
        if index > 0:
            leave(race, index)


cdef inline void use(CacheRace race, uint64_t number, uint64_t what) noexcept nogil:
    """Get, put with a time to live, or delete."""
    cdef PyObject* key = <PyObject*>(16 * number)
    cdef uint64_t at = lru_tag(number)
    cdef int32_t index = lru_probe(&race.lru, &at, key, lru_tag(number))
    race.now_ns += 1 << 18
    collect(race)
    if index and race.lru.entries[index].key == key:
        if what == 0:
            leave(race, index)
        else:
            lru_touch(&race.lru, index)
        return
    if race.lru.count == CAPACITY:
        leave(race, lru_oldest(&race.lru))
    index = lru_insert(&race.lru, key, key, lru_tag(number))
    race.inserted += 1
    wheel_add(race.wheel, index, race.now_ns + <int64_t>(1 + what * what * 10_000_000), race.now_ns)


def work(CacheRace race, uint64_t rounds, uint64_t seed, int broken):
    """Return how often the cache was seen too full."""
    cdef uint64_t _, chance = 2 * seed + 1, wrong = 0
    with nogil:
        race.meet()
        for _ in range(rounds):
            chance = chance * <uint64_t>6364136223846793005 + <uint64_t>1442695040888963407
            if broken == MISSING_LOCK:
                wrong += race.lru.count > CAPACITY
            take(race, broken)
            use(race, 1 + (chance >> 33) % KEYS, (chance >> 60) % 8)
            wrong += race.lru.count > CAPACITY
            give(race, broken)
    return wrong


def since_after_visit(uint64_t visit):
    """Return when the turn of a thread began that had 1,000 calls, and comes back after a visit of so many calls."""
    cdef TurnLock lock
    memset(&lock, 0, sizeof(TurnLock))
    turn_begin(&lock, 7, 0)
    turn_begin(&lock, 8, 2_000)
    turn_begin(&lock, 7, 2_000 + 2 * visit)
    return lock.since // 2


def doublings_after(turns):
    """Return how often turns are doubled behind each of these: (who has it, for how many calls)."""
    cdef TurnLock lock
    cdef uint64_t who, made, calls = 0
    memset(&lock, 0, sizeof(TurnLock))
    found = []
    for who, made in turns:
        if lock.owner != who:
            turn_begin(&lock, who, calls)
        found.append(lock.doublings)
        calls += 2 * made
    return found


def is_over_after(uint64_t calls, bint has_slept):
    """Whether another thread may take a lock that is free, after a turn of so many calls."""
    cdef TurnLock lock
    memset(&lock, 0, sizeof(TurnLock))
    lock.calls = 2 * calls
    return turn_is_over(&lock, lock.calls, has_slept)


def check(CacheRace race, uint64_t calls):
    """Raise AssertionError when an entry, a call or the order of the lists was lost."""
    cdef int32_t index = lru_newest(&race.lru), before = LRU_END
    cdef uint64_t count = 0
    while index != LRU_END:
        assert race.lru.entries[index].newer == before
        before, index, count = index, race.lru.entries[index].older, count + 1
        assert count <= CAPACITY
    assert race.lru.entries[LRU_END].newer == before
    assert count == <uint64_t>race.lru.count == race.inserted - race.removed
    assert race.wheel.count == count                 # each has a time
    assert race.lock.calls == 2 * calls
