"""Level 2: which entries of a cache expire next, a few at a time.

Source      hierarchical timing wheels (Varghese and Lauck, SOSP 1987, scheme 7), with a word of bits a level that
            says which buckets hold something.
Contract    A timer belongs to an entry of the cache, by the same index. Time is the steady clock in ns, and in ticks
            of 2^20 ns (1.05 ms), rounded up: a timer is never given out before its time. `wheel_step` does a bounded
            piece of work, so a million timers that end together cost no single call more than others.
Progress    Adding and removing are O(1); a timer is moved at most once a level, LEVELS - 1 times in its life.
Invariants  `elapsed` never passes the present. A timer's level is that of the highest six bits in which its tick and
            `elapsed` differ, its bucket those six bits: so all of level 0 come before all of level 1, and in a level
            the lowest bucket is the next. Beginning a bucket moves `elapsed` to it and its timers to `due`; while
            any are due, no other bucket is begun.
Threads     One at a time, as the LRU beside it.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t

from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed

cdef enum:
    WHEEL_TICK_BITS = 20
    WHEEL_LEVEL_BITS = 6
    WHEEL_BUCKETS = 64
    WHEEL_LEVELS = 8                # 48 bits of ticks: more than 63 bits of ns hold
    WHEEL_NONE = 0
    WHEEL_MOVED = -1

cdef extern from *:
    """
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <intrin.h>
    static __forceinline int pc_lowest_bit(uint64_t word)
    {
        unsigned long bit;
        _BitScanForward64(&bit, word);
        return (int)bit;
    }
    static __forceinline int pc_highest_bit(uint64_t word)
    {
        unsigned long bit;
        _BitScanReverse64(&bit, word);
        return (int)bit;
    }
    #else
    static inline int pc_lowest_bit(uint64_t word) { return __builtin_ctzll(word); }
    static inline int pc_highest_bit(uint64_t word) { return 63 - __builtin_clzll(word); }
    #endif
    """
    int lowest_bit "pc_lowest_bit" (uint64_t word) noexcept nogil       # of a word that is not 0
    int highest_bit "pc_highest_bit" (uint64_t word) noexcept nogil

cdef struct Timer:
    int64_t expires_ns              # 0: never, and in no list
    int32_t after
    int32_t before

cdef struct Wheel:
    Timer* timers                   # of the entries from 0 to capacity, then the ends of the buckets' lists
    int32_t buckets                 # where those begin
    int32_t due                     # the end of the list of timers whose bucket was begun
    uint64_t count
    uint64_t elapsed                # ticks
    uint64_t next                   # no bucket begins before this tick; 0 while any are due
    uint64_t[WHEEL_LEVELS] filled   # buckets that may hold something, a bit each


cdef inline size_t wheel_bytes(int32_t capacity) noexcept nogil:
    return sizeof(Wheel) + (<size_t>capacity + 2 + WHEEL_LEVELS * WHEEL_BUCKETS) * sizeof(Timer)


cdef inline void list_empty(Wheel* wheel, int32_t end) noexcept nogil:
    wheel.timers[end].after = wheel.timers[end].before = end


cdef inline Wheel* wheel_new(int32_t capacity) noexcept nogil:
    """Return a wheel without timers, in one block; NULL without memory for it."""
    cdef Wheel* wheel = <Wheel*>aligned_zeroed(wheel_bytes(capacity))
    cdef int32_t end
    if wheel == NULL:
        return NULL
    wheel.timers = <Timer*>(wheel + 1)
    wheel.buckets = capacity + 1
    wheel.due = wheel.buckets + WHEEL_LEVELS * WHEEL_BUCKETS
    wheel.next = <uint64_t>-1
    for end in range(wheel.buckets, wheel.due + 1):
        list_empty(wheel, end)
    return wheel


cdef inline void wheel_free(Wheel* wheel) noexcept nogil:
    """NULL is allowed."""
    aligned_free(wheel)


cdef inline uint64_t tick_of(int64_t expires_ns) noexcept nogil:
    """Return the first tick at which it has expired."""
    return (<uint64_t>expires_ns + (1 << WHEEL_TICK_BITS) - 1) >> WHEEL_TICK_BITS


cdef inline uint64_t tick_now(int64_t now_ns) noexcept nogil:
    return <uint64_t>now_ns >> WHEEL_TICK_BITS


cdef inline uint64_t bucket_tick(const Wheel* wheel, int level, int bucket) noexcept nogil:
    """Return the tick at which a bucket begins."""
    cdef int shift = level * WHEEL_LEVEL_BITS
    cdef uint64_t above = ~<uint64_t>0 << (shift + WHEEL_LEVEL_BITS)
    return wheel.elapsed & above | <uint64_t>bucket << shift


cdef inline void wheel_link(Wheel* wheel, int32_t index) noexcept nogil:
    """Put a timer into the bucket of its tick."""
    cdef uint64_t tick = max(tick_of(wheel.timers[index].expires_ns), wheel.elapsed)
    cdef int level = highest_bit(tick ^ wheel.elapsed | 1) // WHEEL_LEVEL_BITS
    cdef int bucket = <int>(tick >> (level * WHEEL_LEVEL_BITS)) & (WHEEL_BUCKETS - 1)
    cdef int32_t end = wheel.buckets + level * WHEEL_BUCKETS + bucket
    cdef int32_t last = wheel.timers[end].before
    wheel.timers[index].after = end
    wheel.timers[index].before = last
    wheel.timers[last].after = index
    wheel.timers[end].before = index
    wheel.filled[level] |= <uint64_t>1 << bucket
    wheel.next = min(wheel.next, bucket_tick(wheel, level, bucket))


cdef inline void wheel_unlink(Wheel* wheel, int32_t index) noexcept nogil:
    cdef Timer* timer = &wheel.timers[index]
    wheel.timers[timer.before].after = timer.after
    wheel.timers[timer.after].before = timer.before


cdef inline void wheel_remove(Wheel* wheel, int32_t index) noexcept nogil:
    """Forget an entry's timer, if it has one. A bucket that is left empty is found out later."""
    if wheel.timers[index].expires_ns:
        wheel_unlink(wheel, index)
        wheel.timers[index].expires_ns = 0
        wheel.count -= 1


cdef inline void wheel_add(Wheel* wheel, int32_t index, int64_t expires_ns, int64_t now_ns) noexcept nogil:
    """Have an entry expire then: above 0, and later than now."""
    cdef int level
    wheel_remove(wheel, index)
    if wheel.count == 0:
        wheel.elapsed = tick_now(now_ns)
        wheel.next = <uint64_t>-1
        # Of buckets that were left empty: in another round the same bit is another tick.
        for level in range(WHEEL_LEVELS):
            wheel.filled[level] = 0
    wheel.timers[index].expires_ns = expires_ns
    wheel.count += 1
    wheel_link(wheel, index)


cdef inline bint is_expired(const Wheel* wheel, int32_t index, int64_t now_ns) noexcept nogil:
    cdef int64_t expires_ns = wheel.timers[index].expires_ns
    return expires_ns != 0 and expires_ns <= now_ns


cdef inline void wheel_begin(Wheel* wheel, int32_t end) noexcept nogil:
    """Move the list of a bucket to `due`, which is empty."""
    cdef Timer* bucket = &wheel.timers[end]
    cdef Timer* due = &wheel.timers[wheel.due]
    if bucket.after == end:
        return
    due[0] = bucket[0]
    wheel.timers[due.after].before = wheel.due
    wheel.timers[due.before].after = wheel.due
    list_empty(wheel, end)


cdef inline bint wheel_next(Wheel* wheel, int64_t now_ns) noexcept nogil:
    """Begin the next bucket, with what it holds; False when none is due yet."""
    cdef int level = 0, bucket
    cdef uint64_t tick
    while level < WHEEL_LEVELS and wheel.filled[level] == 0:
        level += 1
    if level == WHEEL_LEVELS:
        wheel.next = <uint64_t>-1
        return False
    bucket = lowest_bit(wheel.filled[level])
    tick = bucket_tick(wheel, level, bucket)
    if tick > tick_now(now_ns):
        wheel.next = tick
        return False
    wheel.elapsed = tick
    wheel.next = 0
    wheel.filled[level] &= ~(<uint64_t>1 << bucket)
    wheel_begin(wheel, wheel.buckets + level * WHEEL_BUCKETS + bucket)
    return True


cdef inline bint wheel_is_due(const Wheel* wheel, int64_t now_ns) noexcept nogil:
    """Whether `wheel_step` has something to do."""
    return tick_now(now_ns) >= wheel.next


cdef inline int32_t wheel_step(Wheel* wheel, int64_t now_ns) noexcept nogil:
    """Do one piece of work: return an entry that has expired, WHEEL_MOVED to be called again, or WHEEL_NONE.

    The entry keeps its timer: removing it is the caller's next step.
    """
    cdef int32_t index = wheel.timers[wheel.due].after
    if index == wheel.due:
        return WHEEL_MOVED if wheel_next(wheel, now_ns) else WHEEL_NONE
    if is_expired(wheel, index, now_ns):
        return index
    wheel_unlink(wheel, index)
    wheel_link(wheel, index)
    return WHEEL_MOVED
