"""Queue and pool before the thread sanitizer: records and buffers that go from owner to owner, and are plain memory.

Whoever owns a record's cell or a buffer writes and reads it plainly: so a report says that an order which a head
comment promises is missing, or that two owned the same. Witnesses, plain too, are one a record: written before its
push, cleared by who popped it.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport (
    backoff, cas_acq_rel, cas_relaxed, fetch_add_relaxed, load_acquire, load_relaxed, store_relaxed, store_release,
)
from pricecore.primitives.pool cimport (
    Buffer, Place, Pool, buffer_append, place_given, pool_acquire, pool_free, pool_new, pool_release, place_taken,
    top_of, word_after_give, word_after_take,
)
from pricecore.primitives.queue cimport (
    QUEUE_CLOSED, Queue, position_claimed, position_seen, queue_close, queue_free, queue_new, queue_try_pop,
    queue_try_pop_many, queue_try_push, queue_try_push_many, record_at, stamp_seen, stamp_written,
)
from pricecore.types cimport RECORD_BYTES, RECORD_WORDS

cdef enum:
    RELAXED_STAMP = 1               # twins of a push: its stamp does not release the record
    EARLY_STAMP = 2                 # its stamp comes before the record
    MISSING_CLAIM = 3               # the place is taken by a load and a store: two may have it
    RELAXED_LOOK = 4                # twins of a pop: the stamp that it sees acquires nothing
    RELAXED_RETURN = 5              # the cell is given back without a release
    RELAXED_GIVE = 1                # twins of the pool: a buffer is given without a release
    RELAXED_TAKE = 2                # taken without an acquire
    MISSING_SWAP = 3                # taken by a load and a store
    BATCH = 16
    BUFFER_BYTES = 64
    MOST_TRIES = 20_000             # twins that wait for what never comes leave


cdef class Crowd:
    """Threads that meet before they begin, by words that order nothing."""

    cdef uint64_t size
    cdef uint64_t arrived
    cdef uint64_t at_work           # producers

    cdef void meet(self) noexcept nogil:
        cdef unsigned tries = 0
        fetch_add_relaxed(&self.arrived, 1)
        while load_relaxed(&self.arrived) < self.size:
            backoff(&tries)


# The queue

cdef class QueueRace(Crowd):
    cdef Queue* queue
    cdef uint64_t* written          # witnesses, by record

    def __cinit__(self, uint64_t producers, uint64_t consumers, uint64_t records, uint64_t capacity):
        self.size, self.at_work = producers + consumers, producers
        self.queue = queue_new(capacity)
        self.written = <uint64_t*> aligned_zeroed(8 * (records + 1))
        if self.queue == NULL or self.written == NULL:
            raise MemoryError()

    def __dealloc__(self):
        queue_free(self.queue)
        aligned_free(self.written)


cdef inline int64_t push_badly(Queue* queue, const void* record, int broken) noexcept nogil:
    """queue_try_push, tried once."""
    cdef uint64_t tail = position_seen(&queue.tail)
    if stamp_seen(queue, tail) != tail:
        return 0
    if broken == MISSING_CLAIM:
        store_relaxed(&queue.tail, tail + 1)
    elif not position_claimed(&queue.tail, &tail, 1):
        return 0
    if broken == EARLY_STAMP:
        stamp_written(queue, tail, tail + 1)
    memcpy(record_at(queue, tail), record, RECORD_BYTES)
    if broken == RELAXED_STAMP:
        store_relaxed(queue.stamps + (tail & queue.mask), tail + 1)
    elif broken != EARLY_STAMP:
        stamp_written(queue, tail, tail + 1)
    return 1


cdef inline int64_t pop_badly(Queue* queue, void* record, int broken) noexcept nogil:
    """queue_try_pop, tried once."""
    cdef uint64_t head = position_seen(&queue.head)
    cdef uint64_t stamp = stamp_seen(queue, head) if broken != RELAXED_LOOK else load_relaxed(
        queue.stamps + (head & queue.mask))
    if stamp != head + 1 or not position_claimed(&queue.head, &head, 1):
        return 0
    memcpy(record, record_at(queue, head), RECORD_BYTES)
    if broken == RELAXED_RETURN:
        store_relaxed(queue.stamps + (head & queue.mask), head + queue.mask + 1)
    else:
        stamp_written(queue, head, head + queue.mask + 1)
    return 1


cdef inline void make_records(QueueRace race, uint64_t* records, uint64_t first, uint64_t count) noexcept nogil:
    cdef uint64_t k
    cdef int i
    for k in range(count):
        race.written[first + k] = first + k
        for i in range(RECORD_WORDS):
            records[RECORD_WORDS * k + i] = first + k + i


cdef inline bint is_wrong(QueueRace race, const uint64_t* record) noexcept nogil:
    """The payload is of another record, or the record came before; who popped it clears its witness."""
    cdef bint wrong = race.written[record[0]] != record[0]
    cdef int i
    for i in range(RECORD_WORDS):
        wrong = wrong or record[i] != record[0] + i
    race.written[record[0]] = 0
    return wrong


cdef inline int64_t push_some(Queue* queue, const uint64_t* records, uint64_t count, int broken) noexcept nogil:
    if broken:
        return push_badly(queue, records, broken)
    return queue_try_push_many(queue, records, count) if count > 1 else queue_try_push(queue, records)


def push(QueueRace race, uint64_t first, uint64_t count, uint64_t batch=1, int broken=0):
    """Push records `first` to `first + count - 1`, at most `batch` (1 to 16) at once; the last producer closes."""
    cdef uint64_t[RECORD_WORDS * BATCH] records
    cdef uint64_t end = first + count, n
    cdef int64_t pushed
    cdef unsigned tries = 0
    with nogil:
        race.meet()
        while first < end and (not broken or tries < MOST_TRIES):
            n = min(batch, end - first)
            make_records(race, records, first, n)
            pushed = push_some(race.queue, records, n, broken)
            first += pushed
            if pushed:
                tries = 0
            else:
                backoff(&tries)
        if fetch_add_relaxed(&race.at_work, <uint64_t> -1) == 1:
            queue_close(race.queue)


cdef inline int64_t pop_some(Queue* queue, uint64_t* records, uint64_t limit, int broken) noexcept nogil:
    if broken:
        return pop_badly(queue, records, broken)
    return queue_try_pop_many(queue, records, limit) if limit > 1 else queue_try_pop(queue, records)


def pop(QueueRace race, uint64_t batch=1, int broken=0):
    """Pop at most `batch` (1 to 16) at once until the queue is closed and drained: (records, those that are wrong)."""
    cdef uint64_t[RECORD_WORDS * BATCH] records
    cdef int64_t count = 0, wrong = 0, n = 0, k
    cdef unsigned tries = 0
    with nogil:
        race.meet()
        while n != QUEUE_CLOSED and (not broken or tries < MOST_TRIES):
            n = pop_some(race.queue, records, batch, broken)
            for k in range(n):
                wrong += is_wrong(race, &records[RECORD_WORDS * k])
                count += 1
            if n > 0:
                tries = 0
            else:
                backoff(&tries)
    return count, wrong


# The pool

cdef class PoolRace(Crowd):
    cdef Pool* pool

    def __cinit__(self, uint64_t threads, uint64_t buffers):
        self.size = threads
        self.pool = pool_new(buffers, BUFFER_BYTES)
        if self.pool == NULL:
            raise MemoryError()

    def __dealloc__(self):
        pool_free(self.pool)


cdef inline int64_t take_badly(Pool* pool, int broken) noexcept nogil:
    """place_taken; a place that two have taken may leave an empty list behind, which is no end."""
    cdef uint64_t seen = load_relaxed(&pool.free) if broken == RELAXED_TAKE else load_acquire(&pool.free)
    cdef uint64_t word
    cdef Place* place
    while top_of(seen) != 0:
        place = pool.places + top_of(seen) - 1
        word = word_after_take(seen, load_relaxed(&place.next))
        if broken == MISSING_SWAP:
            store_release(&pool.free, word)
            return place - pool.places
        if broken == RELAXED_TAKE and cas_relaxed(&pool.free, &seen, word):
            return place - pool.places
        if broken == RELAXED_GIVE and cas_acq_rel(&pool.free, &seen, word):
            return place - pool.places
    return -1


cdef inline void give_badly(Pool* pool, int64_t place) noexcept nogil:
    """place_given, its swap relaxed."""
    cdef uint64_t seen = load_relaxed(&pool.free)
    while True:
        store_relaxed(&pool.places[place].next, top_of(seen))
        if cas_relaxed(&pool.free, &seen, word_after_give(seen, <uint64_t> place + 1)):
            return


cdef inline void use_badly(Pool* pool, const char* mark, int broken) noexcept nogil:
    cdef int64_t place = take_badly(pool, broken)
    if place < 0:
        return
    memcpy(pool.arena + <size_t> place * pool.stride, mark, BUFFER_BYTES)
    if broken == RELAXED_GIVE:
        give_badly(pool, place)
    else:
        place_given(pool, place)


cdef inline int64_t use_two(Pool* pool, const char* mark) noexcept nogil:
    """Fill two buffers, the second beyond its size; return how many bytes of them somebody else wrote."""
    cdef Buffer[2] held
    cdef int64_t wrong = 0
    cdef size_t k
    cdef int j
    for j in range(2):
        wrong += not pool_acquire(pool, &held[j])
        wrong += not buffer_append(pool, &held[j], mark, BUFFER_BYTES)
    wrong += not buffer_append(pool, &held[1], mark, 1)
    for j in range(2):
        for k in range(held[j].size):
            wrong += held[j].data[k] != mark[0]
        pool_release(pool, &held[j])
    return wrong


def use(PoolRace race, int64_t rounds, int thread, int broken=0):
    """Take, fill and give buffers; return how many of their bytes were wrong."""
    cdef char[BUFFER_BYTES] mark
    cdef int64_t wrong = 0, _
    memset(mark, thread + 1, sizeof(mark))
    with nogil:
        race.meet()
        for _ in range(rounds):
            if broken:
                use_badly(race.pool, mark, broken)
            else:
                wrong += use_two(race.pool, mark)
    return wrong


def all_are_back(PoolRace race):
    """Whether each buffer can be taken once, and then none."""
    cdef uint64_t _, taken = 0
    for _ in range(race.pool.buffers):
        taken |= <uint64_t> 1 << <uint64_t> place_taken(race.pool)
    return taken == (<uint64_t> 1 << race.pool.buffers) - 1 and place_taken(race.pool) < 0
