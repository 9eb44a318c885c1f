"""A bounded queue of 64-byte records for any number of producers and consumers, all callable without the GIL.

Source: Dmitry Vyukov, "Bounded MPMC queue", 1024cores.net. Runs of cells, the closed bit and the separate
arrays of stamps and records are ours.
Contract: a record pushed is popped exactly once; records of one producer are popped in the order pushed;
a batch lies in adjacent places. After `queue_close` nothing is pushed, and every push that succeeded before
it can still be popped. "Full" means that the oldest cell is not given back yet, "empty" that the next cell
is not filled yet: a thread stopped in mid-copy makes the queue look full or empty at its cell, no more.
Progress: no call waits. A call repeats only when a call of the same side claimed the cells that it wanted.
Invariants: position p lives in cell p & mask. A cell's stamp is p while it waits for the push of p, p + 1
while it holds record p, and p + capacity after the pop of p, which is the first state one lap later.
head <= tail <= head + capacity. Bit 63 of the tail word is the closed bit: once it is set, every compare
and swap of a push fails, so the tail never moves again.
Orderings: the only pair is stamp_written (release) with stamp_seen (acquire). It orders the plain copies of
the record: the claim by compare and swap makes one thread the owner of position p, and it touches the record
only between seeing p's stamp and writing the next one. Positions are relaxed: they publish nothing.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed, line_multiple
from pricecore.primitives.atomics cimport (
    cas_relaxed,
    fetch_or_acq_rel,
    likely,
    load_acquire,
    load_relaxed,
    store_relaxed,
    store_release,
)
from pricecore.types cimport RECORD_BYTES, RECORD_WORDS

cdef enum:
    QUEUE_MIN_CAPACITY = 2          # with one cell "filled" and "free one lap later" were the same stamp
    QUEUE_MAX_CAPACITY = 67108864   # 4.5 GiB of records and stamps
    QUEUE_CLOSED = -1               # instead of a count of records
    LINE_WORDS = 8
    SPARE_WORDS = 5

cdef struct Queue:
    uint64_t tail                   # next position to push, bit 63: closed; producers write this line
    uint64_t[LINE_WORDS - 1] tail_line
    uint64_t head                   # next position to pop; consumers write this line
    uint64_t[LINE_WORDS - 1] head_line
    uint64_t mask                   # capacity - 1; from here on nothing changes after queue_new
    uint64_t* stamps
    uint64_t* records
    uint64_t[SPARE_WORDS] constant_line


cdef inline uint64_t closed_bit() noexcept nogil:
    return <uint64_t> 1 << 63


cdef inline uint64_t position_seen(const uint64_t* word) noexcept nogil:
    # A moment's value, perhaps old: the claim that follows compares it once more.
    return load_relaxed(word)


cdef inline bint position_claimed(uint64_t* word, uint64_t* first, uint64_t count) noexcept nogil:
    # On success positions first to first + count - 1 are ours alone; else *first is the word that stood there.
    return cas_relaxed(word, first, first[0] + count)


cdef inline uint64_t stamp_seen(const Queue* queue, uint64_t position) noexcept nogil:
    # Whoever sees a stamp also sees the record as its last owner left it (pairs with stamp_written).
    return load_acquire(queue.stamps + (position & queue.mask))


cdef inline void stamp_written(Queue* queue, uint64_t position, uint64_t stamp) noexcept nogil:
    # Hands the cell with all that was copied in or out to whoever sees the stamp (pairs with stamp_seen).
    store_release(queue.stamps + (position & queue.mask), stamp)


cdef inline uint64_t* record_at(const Queue* queue, uint64_t position) noexcept nogil:
    return queue.records + (position & queue.mask) * RECORD_WORDS


cdef inline Queue* queue_new(uint64_t capacity) noexcept nogil:
    """Return an empty queue, or NULL without memory; `capacity` is a power of two within the limits above."""
    cdef size_t header_bytes = line_multiple(sizeof(Queue))
    cdef size_t stamp_bytes = line_multiple(capacity * sizeof(uint64_t))
    cdef char* block = <char*> aligned_zeroed(header_bytes + stamp_bytes + capacity * RECORD_BYTES)
    cdef Queue* queue = <Queue*> block
    cdef uint64_t position
    if queue == NULL:
        return NULL
    queue.mask = capacity - 1
    queue.stamps = <uint64_t*> (block + header_bytes)
    queue.records = <uint64_t*> (block + header_bytes + stamp_bytes)
    for position in range(capacity):
        store_relaxed(queue.stamps + position, position)
    return queue


cdef inline void queue_free(Queue* queue) noexcept nogil:
    """Release the queue; nobody may use it any more."""
    aligned_free(queue)


cdef inline uint64_t cells_ready(const Queue* queue, uint64_t first, uint64_t lead, uint64_t limit) noexcept nogil:
    # Cells from `first` on, at most `limit`, whose stamp is their position + lead. Never more than one lap:
    # one lap on stands the same cell again, and its stamp belongs to the nearer position.
    cdef uint64_t count = 0
    while count < limit and stamp_seen(queue, first + count) == first + count + lead:
        count += 1
    return count


cdef inline int64_t claim_push(Queue* queue, uint64_t limit, uint64_t* first) noexcept nogil:
    """Own up to `limit` adjacent free cells from *first on: how many, 0 when full, or QUEUE_CLOSED."""
    cdef uint64_t tail = position_seen(&queue.tail)
    cdef uint64_t tried, count
    while True:
        if tail & closed_bit():
            return QUEUE_CLOSED
        first[0] = tail
        count = cells_ready(queue, tail, 0, limit)
        if likely(count > 0):
            if likely(position_claimed(&queue.tail, &tail, count)):
                return <int64_t> count
            continue
        # Not free: still held from the lap before (full), unless another producer was faster.
        tried = tail
        tail = position_seen(&queue.tail)
        if tail == tried:
            return 0


cdef inline int64_t claim_pop(Queue* queue, uint64_t limit, uint64_t* first) noexcept nogil:
    """Own up to `limit` adjacent filled cells from *first on: how many, 0 when empty, or QUEUE_CLOSED."""
    cdef uint64_t head = position_seen(&queue.head)
    cdef uint64_t tried, count
    while True:
        first[0] = head
        count = cells_ready(queue, head, 1, limit)
        if likely(count > 0):
            if likely(position_claimed(&queue.head, &head, count)):
                return <int64_t> count
            continue
        # Not filled: nothing there (empty, for good once closed), unless another consumer was faster.
        tried = head
        head = position_seen(&queue.head)
        if head == tried:
            return QUEUE_CLOSED if position_seen(&queue.tail) == (head | closed_bit()) else 0


cdef inline uint64_t cells_to_wrap(const Queue* queue, uint64_t first, uint64_t count) noexcept nogil:
    # Of `count` cells from `first` on, how many stand before the array's end.
    cdef uint64_t room = queue.mask + 1 - (first & queue.mask)
    return count if count < room else room


cdef inline int64_t queue_try_push(Queue* queue, const void* record) noexcept nogil:
    """Push the 64 bytes at `record`: 1, 0 when full, or QUEUE_CLOSED."""
    cdef uint64_t first = 0
    cdef int64_t count = claim_push(queue, 1, &first)
    if likely(count > 0):
        memcpy(record_at(queue, first), record, RECORD_BYTES)
        stamp_written(queue, first, first + 1)
    return count


cdef inline int64_t queue_try_pop(Queue* queue, void* record) noexcept nogil:
    """Pop into the 64 bytes at `record`: 1, 0 when empty, or QUEUE_CLOSED when closed and drained."""
    cdef uint64_t first = 0
    cdef int64_t count = claim_pop(queue, 1, &first)
    if likely(count > 0):
        memcpy(record, record_at(queue, first), RECORD_BYTES)
        stamp_written(queue, first, first + queue.mask + 1)
    return count


cdef inline int64_t queue_try_push_many(Queue* queue, const void* records, uint64_t limit) noexcept nogil:
    """Push the first of `limit` records, as many as fit: how many, or QUEUE_CLOSED. One claim for all."""
    cdef uint64_t first = 0
    cdef int64_t count = claim_push(queue, limit, &first)
    cdef uint64_t i, straight
    if count <= 0:
        return count
    straight = cells_to_wrap(queue, first, <uint64_t> count)
    memcpy(record_at(queue, first), records, straight * RECORD_BYTES)
    memcpy(queue.records, <const char*> records + straight * RECORD_BYTES, (<uint64_t> count - straight) * RECORD_BYTES)
    for i in range(<uint64_t> count):
        stamp_written(queue, first + i, first + i + 1)
    return count


cdef inline int64_t queue_try_pop_many(Queue* queue, void* records, uint64_t limit) noexcept nogil:
    """Pop up to `limit` records into `records`: how many, or QUEUE_CLOSED. One claim for all."""
    cdef uint64_t first = 0
    cdef int64_t count = claim_pop(queue, limit, &first)
    cdef uint64_t i, straight
    if count <= 0:
        return count
    straight = cells_to_wrap(queue, first, <uint64_t> count)
    memcpy(records, record_at(queue, first), straight * RECORD_BYTES)
    memcpy(<char*> records + straight * RECORD_BYTES, queue.records, (<uint64_t> count - straight) * RECORD_BYTES)
    for i in range(<uint64_t> count):
        stamp_written(queue, first + i, first + i + queue.mask + 1)
    return count


cdef inline void queue_close(Queue* queue) noexcept nogil:
    """Refuse every push from now on. A push in flight either claimed its cells before and counts, or is refused."""
    fetch_or_acq_rel(&queue.tail, closed_bit())


cdef inline bint queue_is_closed(const Queue* queue) noexcept nogil:
    return (position_seen(&queue.tail) & closed_bit()) != 0


cdef inline uint64_t queue_size(const Queue* queue) noexcept nogil:
    """Records pushed or being pushed and not yet claimed by a pop; of this moment, exact when nobody else calls."""
    # Head first: the tail, read later, is never behind it.
    cdef uint64_t head = load_acquire(&queue.head)
    cdef uint64_t size = (position_seen(&queue.tail) & ~closed_bit()) - head
    return size if size <= queue.mask + 1 else queue.mask + 1


cdef class UpdateQueue:
    cdef Queue* queue               # for cimport: the functions above, on the queue of this object

    cdef object pop_up_to(self, uint64_t limit)
