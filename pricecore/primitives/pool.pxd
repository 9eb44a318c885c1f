"""A pool of byte buffers of one size with a lock-free list of the free ones, callable without the GIL.

Source: R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986 (the stack); a tag
counted up on every take guards the swap against a top that left and came back in between (ABA).
Contract: a place belongs to one owner between `pool_acquire` and `pool_release`. An empty pool serves from
the heap and counts a miss. A buffer that outgrows its place moves to the heap and is back in it on release.
Progress: take and give are lock-free: they repeat only when another thread's take or give succeeded.
An acquire that misses, and growth, call malloc.
Invariants: the word `free` packs tag (bits 32 to 63), count of free places (16 to 31) and top place + 1
(0 to 15, 0: none), so the three always fit together. Walking `next` from the top meets `count` places,
each once. A place that is taken is in no list, and its `next` is never followed to a successful swap.
The tag would have to wrap, 2**32 takes inside one thread's load and swap, for a stale `next` to pass.
Orderings: free_swapped (acquire and release) pairs with itself and with free_seen (acquire): who takes a
place sees its `next`, its count of uses and the bytes as the last owner left them, because every change of
the word is a read-modify-write and so continues the release of the give. `next` is a relaxed word: a slow
taker may read one that is being rewritten, and its swap then fails. `uses` is written by the owner alone.
"""

from libc.stdint cimport SIZE_MAX, int64_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed, line_multiple
from pricecore.primitives.atomics cimport (
    cas_acq_rel,
    fetch_add_relaxed,
    likely,
    load_acquire,
    load_relaxed,
    store_relaxed,
    unlikely,
)

cdef enum:
    POOL_MAX_BUFFERS = 65535        # what 16 bits of the word can name, 0 being "none"
    POOL_MAX_BUFFER_BYTES = 1073741824
    POOL_KEEP_FACTOR = 4            # a buffer grown beyond this many times its size is counted as dropped
    NO_PLACE = -1
    PLACE_BITS = 16
    PLACE_MASK = 65535
    TAG_SHIFT = 32
    LINE_WORDS = 8
    COUNTER_WORDS = 4

cdef struct Place:
    uint64_t next                   # place below in the list + 1; 0: none
    uint64_t uses                   # how often it was taken

cdef struct Pool:
    uint64_t free                   # tag, count, top; the one contended word has a line of its own
    uint64_t[LINE_WORDS - 1] free_line
    uint64_t misses                 # these four change off the fast path only
    uint64_t dropped
    uint64_t unpooled               # outstanding buffers from misses
    uint64_t hits_before            # sum of uses at the last reset
    uint64_t[LINE_WORDS - COUNTER_WORDS] counters_line
    uint64_t buffers                # from here on nothing changes after pool_new
    size_t buffer_size
    size_t stride                   # from buffer to buffer: whole cache lines
    Place* places
    char* arena

cdef struct Buffer:
    # One acquired buffer: it has one owner, nothing in here is atomic.
    char* data
    size_t size                     # bytes filled
    size_t room                     # bytes that fit
    int64_t place                   # NO_PLACE: from a miss

cdef struct PoolCounts:
    uint64_t available
    uint64_t outstanding
    uint64_t hits
    uint64_t misses
    uint64_t dropped


cdef inline uint64_t free_seen(const Pool* pool) noexcept nogil:
    # Shows the top place with the `next` that its giver wrote (pairs with free_swapped).
    return load_acquire(&pool.free)


cdef inline bint free_swapped(Pool* pool, uint64_t* seen, uint64_t word) noexcept nogil:
    # Taking: we see what the last owner left. Giving: the next taker sees what we left. On failure *seen is
    # the word that stood there, as from free_seen.
    return cas_acq_rel(&pool.free, seen, word)


cdef inline uint64_t top_of(uint64_t word) noexcept nogil:
    return word & PLACE_MASK


cdef inline uint64_t count_of(uint64_t word) noexcept nogil:
    return (word >> PLACE_BITS) & PLACE_MASK


cdef inline uint64_t word_after_take(uint64_t word, uint64_t below) noexcept nogil:
    # Tag + 1, count - 1, top `below`. The count is not 0 here, so nothing is borrowed from the tag.
    return (word ^ top_of(word) | below) + (<uint64_t> 1 << TAG_SHIFT) - (<uint64_t> 1 << PLACE_BITS)


cdef inline uint64_t word_after_give(uint64_t word, uint64_t top) noexcept nogil:
    return (word ^ top_of(word) | top) + (<uint64_t> 1 << PLACE_BITS)


cdef inline Pool* pool_new(uint64_t buffers, size_t buffer_size) noexcept nogil:
    """Return a pool with all its buffers free, or NULL without memory; sizes as BufferPool checks them."""
    cdef size_t header_bytes = line_multiple(sizeof(Pool))
    cdef size_t place_bytes = line_multiple(buffers * sizeof(Place))
    cdef size_t stride = line_multiple(buffer_size)
    cdef char* block = <char*> aligned_zeroed(header_bytes + place_bytes + buffers * stride)
    cdef Pool* pool = <Pool*> block
    cdef uint64_t i
    if pool == NULL:
        return NULL
    pool.buffers = buffers
    pool.buffer_size = buffer_size
    pool.stride = stride
    pool.places = <Place*> (block + header_bytes)
    pool.arena = block + header_bytes + place_bytes
    for i in range(buffers):
        store_relaxed(&pool.places[i].next, i + 2 if i + 1 < buffers else 0)
    store_relaxed(&pool.free, buffers << PLACE_BITS | 1)
    return pool


cdef inline void pool_free(Pool* pool) noexcept nogil:
    """Release the pool; none of its buffers may be outstanding."""
    aligned_free(pool)


cdef inline int64_t place_taken(Pool* pool) noexcept nogil:
    """Take the top place off the list and count its use; NO_PLACE when the list is empty."""
    cdef uint64_t seen = free_seen(pool)
    cdef Place* place
    while top_of(seen) != 0:
        place = pool.places + top_of(seen) - 1
        if likely(free_swapped(pool, &seen, word_after_take(seen, load_relaxed(&place.next)))):
            store_relaxed(&place.uses, load_relaxed(&place.uses) + 1)
            return place - pool.places
    return NO_PLACE


cdef inline void place_given(Pool* pool, int64_t place) noexcept nogil:
    """Put a place that is ours on top of the list."""
    cdef uint64_t seen = free_seen(pool)
    while True:
        store_relaxed(&pool.places[place].next, top_of(seen))
        if likely(free_swapped(pool, &seen, word_after_give(seen, <uint64_t> place + 1))):
            return


cdef inline bint on_heap(const Pool* pool, const Buffer* buffer) noexcept nogil:
    return buffer.place == NO_PLACE or buffer.room > pool.buffer_size


cdef inline bint acquire_from_heap(Pool* pool, Buffer* buffer) noexcept nogil:
    fetch_add_relaxed(&pool.misses, 1)
    buffer.data = <char*> malloc(pool.buffer_size)
    if buffer.data == NULL:
        return False
    fetch_add_relaxed(&pool.unpooled, 1)
    return True


cdef inline bint pool_acquire(Pool* pool, Buffer* buffer) noexcept nogil:
    """Make `buffer` an empty one of the pool, or of the heap when the pool is empty; False without memory."""
    buffer.size = 0
    buffer.room = pool.buffer_size
    buffer.place = place_taken(pool)
    if unlikely(buffer.place == NO_PLACE):
        return acquire_from_heap(pool, buffer)
    buffer.data = pool.arena + <size_t> buffer.place * pool.stride
    return True


cdef inline void pool_release(Pool* pool, Buffer* buffer) noexcept nogil:
    """Give back what `pool_acquire` gave; the buffer must not be used any more."""
    if unlikely(on_heap(pool, buffer)):
        free(buffer.data)
        if buffer.room > POOL_KEEP_FACTOR * pool.buffer_size:
            fetch_add_relaxed(&pool.dropped, 1)
    if unlikely(buffer.place == NO_PLACE):
        fetch_add_relaxed(&pool.unpooled, <uint64_t> -1)
    else:
        place_given(pool, buffer.place)


cdef inline bint buffer_grow(const Pool* pool, Buffer* buffer, size_t needed) noexcept nogil:
    """Move the buffer to heap memory of at least `needed` bytes, at least twice what it has; False without."""
    cdef size_t room = needed if needed > 2 * buffer.room else 2 * buffer.room
    cdef char* data
    if on_heap(pool, buffer):
        data = <char*> realloc(buffer.data, room)
    else:
        data = <char*> malloc(room)
        if data != NULL:
            memcpy(data, buffer.data, buffer.size)
    if data == NULL:
        return False
    buffer.data = data
    buffer.room = room
    return True


cdef inline bint buffer_fits(const Buffer* buffer, size_t more) noexcept nogil:
    return more <= buffer.room - buffer.size


cdef inline bint buffer_append(const Pool* pool, Buffer* buffer, const void* source, size_t more) noexcept nogil:
    """Append `more` bytes, moving the buffer if they do not fit; False without memory, nothing changed then."""
    if unlikely(not buffer_fits(buffer, more)):
        if more > SIZE_MAX // 2 - buffer.size or not buffer_grow(pool, buffer, buffer.size + more):
            return False
    memcpy(buffer.data + buffer.size, source, more)
    buffer.size += more
    return True


cdef inline uint64_t sum_of_uses(const Pool* pool) noexcept nogil:
    cdef uint64_t total = 0
    cdef uint64_t i
    for i in range(pool.buffers):
        total += load_relaxed(&pool.places[i].uses)
    return total


cdef inline void pool_counts(const Pool* pool, PoolCounts* counts) noexcept nogil:
    """Fill in the figures of this moment."""
    counts.available = count_of(free_seen(pool))
    counts.outstanding = pool.buffers - counts.available + load_relaxed(&pool.unpooled)
    counts.hits = sum_of_uses(pool) - load_relaxed(&pool.hits_before)
    counts.misses = load_relaxed(&pool.misses)
    counts.dropped = load_relaxed(&pool.dropped)


cdef inline void pool_reset_counts(Pool* pool) noexcept nogil:
    """Begin hits, misses and dropped at 0 again."""
    store_relaxed(&pool.hits_before, sum_of_uses(pool))
    store_relaxed(&pool.misses, 0)
    store_relaxed(&pool.dropped, 0)


cdef class BufferPool:
    cdef Pool* pool                 # for cimport: the functions above, on the pool of this object


cdef class PooledBuffer:
    cdef BufferPool owner           # None in an object that did not come from acquire()
    cdef Buffer buffer
    cdef Py_ssize_t views           # exports of the buffer protocol that are alive
    cdef bint live                  # acquired and not released

    cdef int require_live(self) except -1
    cdef int require_no_views(self, str action) except -1
    cdef int append(self, const void* source, size_t more) except -1
    cdef int give_back(self) except -1
