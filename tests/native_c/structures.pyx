"""The structures that threads share, run by threads of the C library: no interpreter, no Python object, no GIL.

Why         the compiled package is always tested from inside an interpreter, whose own locks and atomics order more
            than they are meant to. Here is nothing but the structures. And the program runs where there is no Python
            yet: on another processor, under an emulator.
How         Cython makes C of this file, as of every file that uses the package's .pxd: so these are the package's own
            inline functions, not copies, and `main` is one beside them. ci/c-tests links it without a library of
            Python and has the linker throw away whatever main does not reach, which is all that would need one; it
            checks that no name of Python's is left.
Mistakes    weakened.h takes an order out of atomics.h while the program runs: of every store_release, of every
            load_acquire, of every swap, or the swap's being one step. The thread sanitizer must report each.
Not here    what is not inline lives in modules: ring_copy, holder_register. The loops here do the same steps.

    structures NAME COUNT [MISTAKE]         prints reads and how many were wrong; ends with 1 when one was
"""

from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport printf
from libc.stdlib cimport atoi
from libc.string cimport memset, strcmp, strncmp

from crowd cimport Crowd, is_over, leave, run_crowd, tell
from pricecore.delivery.holding cimport (
    HELD_BY_NONE, Holder, Holders, cursor_occupy, gate_close, gate_position, holder_advance, holder_peek, holders_lock,
    holders_unlock, limit_refresh,
)
from pricecore.delivery.ring cimport (
    TAKEN, Ring, ring_claim, ring_claim_alone, ring_claim_ready, ring_copy_published, ring_fill, ring_overrun,
    ring_publish, ring_wait_lap,
)
from pricecore.eventlog.following cimport Progress, progress_durable, progress_over
from pricecore.prices.slot cimport (
    Hold, Slot, slot_free, slot_pair, slot_read, slot_restore, slot_store, slot_take, slot_take_alone,
)
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport backoff, fetch_add_relaxed, store_release
from pricecore.primitives.pool cimport Buffer, Pool, buffer_append, pool_acquire, pool_free, pool_new, pool_release
from pricecore.primitives.queue cimport (
    QUEUE_CLOSED, Queue, queue_close, queue_free, queue_new, queue_try_pop, queue_try_pop_many, queue_try_push,
    queue_try_push_many,
)
from pricecore.primitives.segment cimport CURSOR_COUNT, Cursor
from pricecore.types cimport RECORD_BYTES, RECORD_WORDS

cdef extern from "weakened.h" nogil:
    int mistake "pc_mistake"

cdef enum:
    CELLS = 64
    BATCH = 16
    BUFFER_BYTES = 64
    ENOUGH_READS = 1_000            # a round may be over before a reader got a core
    MOST_ROUNDS = 100

cdef struct Stream:                 # a slot, and a ring with one consumer that may hold it
    Slot* slot
    Ring ring
    uint64_t limit
    uint64_t ticket
    Holders holders
    Cursor[CURSOR_COUNT] cursors


cdef void make_record(uint64_t* record, uint64_t sequence) noexcept nogil:
    cdef int i
    for i in range(RECORD_WORDS):
        record[i] = sequence + i


cdef bint is_wrong(const Crowd* crowd, const uint64_t* record) noexcept nogil:
    cdef int i
    for i in range(RECORD_WORDS):
        if record[i] != record[0] + i:
            return True
    return crowd.written[record[0]] != record[0]


# The slot, alone, and slot and ring together as an update takes them


cdef void write_slot(Crowd* crowd, uint64_t index) noexcept nogil:
    cdef Stream* stream = <Stream*>crowd.structure
    cdef uint64_t[8] record
    cdef uint64_t _
    cdef Hold hold
    for _ in range(crowd.count):
        slot_take(slot_pair(stream.slot, 0), &hold)
        crowd.owned[0] += 1
        make_record(record, fetch_add_relaxed(&stream.ticket, 1) + 1)
        crowd.written[record[0]] = record[0]
        slot_store(&hold, record)
        crowd.owned[0] += 1
        slot_free(&hold, record[0])
    leave(crowd)


cdef void read_slot(Crowd* crowd, uint64_t index) noexcept nogil:
    cdef Stream* stream = <Stream*>crowd.structure
    cdef uint64_t[8] record
    cdef uint64_t reads = 0, wrong = 0, last = 0
    while not is_over(crowd):
        if slot_read(slot_pair(stream.slot, 0), record):
            wrong += is_wrong(crowd, record) or record[0] < last
            last = record[0]
            reads += 1
    tell(crowd, reads, wrong)


cdef void write_alone(Crowd* crowd, uint64_t index) noexcept nogil:
    """As publish_alone (hotpath.pxd)."""
    cdef Stream* stream = <Stream*>crowd.structure
    cdef uint64_t[8] record
    cdef uint64_t sequence = 0
    cdef unsigned tries = 0
    cdef Hold hold
    while sequence < crowd.count:
        if not slot_take_alone(slot_pair(stream.slot, 0), &hold):
            continue
        if not ring_claim_alone(&stream.ring, &sequence):
            slot_restore(&hold)
            backoff(&tries)
            continue
        make_record(record, sequence)
        crowd.written[sequence] = sequence
        ring_fill(&stream.ring, record)
        slot_store(&hold, record)
        ring_publish(&stream.ring, sequence)
        slot_free(&hold, sequence)
    leave(crowd)


# The ring


cdef void publish_one(Crowd* crowd, Stream* stream, uint64_t sequence) noexcept nogil:
    cdef uint64_t[8] record
    crowd.owned[(sequence - 1) & stream.ring.mask] = sequence
    crowd.written[sequence] = sequence
    make_record(record, sequence)
    ring_fill(&stream.ring, record)
    ring_publish(&stream.ring, sequence)


cdef void write_ring(Crowd* crowd, uint64_t index) noexcept nogil:
    """The first writer takes tickets one by one, the others in batches."""
    cdef Stream* stream = <Stream*>crowd.structure
    cdef uint64_t n = BATCH if index else 1, first = 0, k, _
    cdef unsigned tries = 0
    for _ in range(crowd.count // n):
        while (ring_claim(&stream.ring, n, &first) if index else ring_claim_ready(&stream.ring, 1, &first)) != TAKEN:
            backoff(&tries)
        tries = 0
        for k in range(first, first + n):
            ring_wait_lap(&stream.ring, k)
            publish_one(crowd, stream, k)
    leave(crowd)


cdef void follow_ring(Crowd* crowd, uint64_t index) noexcept nogil:
    """As ring_copy: what may have been overwritten is left out."""
    cdef Stream* stream = <Stream*>crowd.structure
    cdef uint64_t[8 * BATCH] out
    cdef uint64_t position = 0, copied, lost, k, reads = 0, wrong = 0
    while not is_over(crowd):
        position += ring_overrun(&stream.ring, position)
        copied = ring_copy_published(&stream.ring, position, out, BATCH)
        lost = ring_overrun(&stream.ring, position)
        for k in range(min(lost, copied), copied):
            wrong += is_wrong(crowd, &out[8 * k]) or out[8 * k] != position + k + 1
            reads += 1
        position += max(copied, lost)
    tell(crowd, reads, wrong)


cdef void hold_ring(Crowd* crowd, uint64_t index) noexcept nogil:
    """Register as holder_register does, read in place, leave; again and again."""
    cdef Stream* stream = <Stream*>crowd.structure
    cdef const uint64_t* row = NULL
    cdef uint64_t n, k, _, reads = 0, wrong = 0
    cdef Holder holder
    while not is_over(crowd):
        memset(&holder, 0, sizeof(Holder))
        holder.holders, holder.cursor = &stream.holders, &stream.cursors[index]
        holders_lock(&stream.holders)
        gate_close(&stream.holders)
        holder.position = gate_position(&stream.holders)
        holder.cursor.position = holder.position
        cursor_occupy(holder.cursor, 1)
        limit_refresh(&stream.holders)
        holders_unlock(&stream.holders)
        for _ in range(200):
            n = holder_peek(&holder, &row, BATCH)
            for k in range(n):
                wrong += is_wrong(crowd, row + 8 * k) or row[8 * k] != holder.position + k + 1
            reads += n
            if n:
                holder_advance(&holder, n)
        holders_lock(&stream.holders)
        cursor_occupy(holder.cursor, 0)
        limit_refresh(&stream.holders)
        holders_unlock(&stream.holders)
    tell(crowd, reads, wrong)


# The queue: records by one and by the batch, and a close


cdef void push_records(Crowd* crowd, uint64_t index) noexcept nogil:
    cdef Queue* queue = <Queue*>crowd.structure
    cdef uint64_t[8 * BATCH] records
    cdef uint64_t i = 0, k, n
    cdef unsigned tries = 0
    while i < crowd.count:
        n = min(<uint64_t>BATCH, crowd.count - i) if index else 1
        for k in range(n):
            make_record(&records[8 * k], index * crowd.count + i + k + 1)
            crowd.written[records[8 * k]] = records[8 * k]
        n = <uint64_t>(queue_try_push_many(queue, records, n) if index else queue_try_push(queue, records))
        i += n
        if n == 0:
            backoff(&tries)
    leave(crowd)
    if is_over(crowd):
        queue_close(queue)


cdef void pop_records(Crowd* crowd, uint64_t index) noexcept nogil:
    """Whoever pops a record clears its witness: one that comes twice is wrong."""
    cdef Queue* queue = <Queue*>crowd.structure
    cdef uint64_t[8 * BATCH] out
    cdef uint64_t reads = 0, wrong = 0
    cdef int64_t n = 0, k
    cdef unsigned tries = 0
    while n != QUEUE_CLOSED:
        n = queue_try_pop(queue, out) if index % 2 else queue_try_pop_many(queue, out, BATCH)
        for k in range(n):
            wrong += is_wrong(crowd, &out[8 * k])
            crowd.written[out[8 * k]] = 0
            reads += 1
        if n == 0:
            backoff(&tries)
    tell(crowd, reads, wrong)


# The pool


cdef void use_buffers(Crowd* crowd, uint64_t index) noexcept nogil:
    """Fill two buffers and look whether they are still ours; there are too few for all."""
    cdef Pool* pool = <Pool*>crowd.structure
    cdef Buffer[2] held
    cdef char[BUFFER_BYTES] mark
    cdef uint64_t wrong = 0, _
    cdef int j, k
    memset(mark, <int>index + 1, sizeof(mark))
    for _ in range(crowd.count):
        for j in range(2):
            wrong += not pool_acquire(pool, &held[j])
            buffer_append(pool, &held[j], mark, sizeof(mark))
        for j in range(2):
            for k in range(BUFFER_BYTES):
                wrong += held[j].data[k] != mark[k]
            pool_release(pool, &held[j])
    leave(crowd)
    tell(crowd, crowd.count, wrong)


# What the log's thread tells


cdef void commit_records(Crowd* crowd, uint64_t index) noexcept nogil:
    """The stores are those of `publish` and `end` in following.pyx."""
    cdef Progress* progress = <Progress*>crowd.structure
    cdef uint64_t sequence
    for sequence in range(1, crowd.count + 1):
        crowd.written[sequence] = sequence
        store_release(&progress.durable, sequence)      # pairs with progress_durable
    store_release(&progress.over, 1)                    # pairs with progress_over
    leave(crowd)


cdef void await_records(Crowd* crowd, uint64_t index) noexcept nogil:
    cdef const Progress* progress = <const Progress*>crowd.structure
    cdef uint64_t seen = 0, durable = 0, wrong = 0
    cdef bint last = False
    while durable < crowd.count:
        last = progress_over(progress)
        durable = progress_durable(progress)
        wrong += last and durable < crowd.count
        for seen in range(seen + 1, durable + 1):
            wrong += crowd.written[seen] != seen
        seen = durable
    tell(crowd, seen, wrong)


# The table of what can be run


cdef void new_stream(Stream* stream, uint64_t* cells) noexcept nogil:
    memset(stream, 0, sizeof(Stream))
    stream.slot = <Slot*>cells
    stream.limit = HELD_BY_NONE
    stream.ring = Ring(cells + 8 * RECORD_WORDS, &stream.ticket, &stream.limit, CELLS, CELLS - 1)
    stream.holders.ring = stream.ring
    stream.holders.cursors = stream.cursors


cdef bint is_called(const char* name, const char* wanted) noexcept nogil:
    return strcmp(name, wanted) == 0


cdef bint run_stream(Crowd* crowd, const char* name, Stream* stream) noexcept nogil:
    """0: there is no such name."""
    crowd.structure = stream
    if is_called(name, "slot"):
        return run_crowd(crowd, write_slot, read_slot)
    if is_called(name, "ring"):
        return run_crowd(crowd, write_ring, follow_ring)
    if is_called(name, "holding"):
        return run_crowd(crowd, write_ring, hold_ring)
    if is_called(name, "alone-slot"):
        return run_crowd(crowd, write_alone, read_slot)
    if is_called(name, "alone-ring"):
        return run_crowd(crowd, write_alone, follow_ring)
    return is_called(name, "alone-holding") and run_crowd(crowd, write_alone, hold_ring)


cdef bint run_other(Crowd* crowd, const char* name) noexcept nogil:
    cdef Progress progress
    cdef bint done = False
    memset(&progress, 0, sizeof(Progress))
    if is_called(name, "queue"):
        crowd.structure = queue_new(8)
        done = run_crowd(crowd, push_records, pop_records)
        queue_free(<Queue*>crowd.structure)
        crowd.wrong += crowd.reads != crowd.writers * crowd.count
    elif is_called(name, "pool"):
        crowd.structure = pool_new(5, BUFFER_BYTES)
        crowd.writers = crowd.size
        done = run_crowd(crowd, use_buffers, NULL)
        pool_free(<Pool*>crowd.structure)
    elif is_called(name, "progress"):
        crowd.structure, crowd.writers = &progress, 1
        done = run_crowd(crowd, commit_records, await_records)
    return done


cdef bint run_round(Crowd* crowd, const char* name, uint64_t count) noexcept nogil:
    cdef uint64_t* cells = <uint64_t*>aligned_zeroed((CELLS + 8) * RECORD_BYTES)
    cdef Stream stream
    cdef bint done
    memset(crowd, 0, sizeof(Crowd))
    crowd.size, crowd.writers, crowd.count = 4, 2, count
    if strncmp(name, "alone", 5) == 0:
        crowd.size, crowd.writers = 3, 1
    if cells == NULL:
        return False
    new_stream(&stream, cells)
    done = run_stream(crowd, name, &stream) or run_other(crowd, name)
    aligned_free(cells)
    return done


cdef public int main(int argc, char** argv) noexcept nogil:
    cdef Crowd crowd
    cdef uint64_t reads = 0, wrong = 0
    cdef int rounds = 0
    if argc < 3:
        printf("usage: structures NAME COUNT [MISTAKE]\n")
        return 2
    if argc > 3:
        (&mistake)[0] = atoi(argv[3])
    while reads < ENOUGH_READS and wrong == 0 and rounds < MOST_ROUNDS:
        if not run_round(&crowd, argv[1], <uint64_t>atoi(argv[2])):
            printf("cannot run %s\n", argv[1])
            return 2
        reads, wrong, rounds = reads + crowd.reads, wrong + crowd.wrong, rounds + 1
    printf("%s: %llu reads in %d rounds, %llu wrong\n", argv[1], <unsigned long long>reads, rounds,
           <unsigned long long>wrong)
    return wrong != 0 or reads == 0
