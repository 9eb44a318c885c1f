"""Consumers that hold a small ring, without the GIL: loops that overlap, and broken twins of the protocol.

Every word of a record follows from its sequence, so a torn record gives itself away.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from pricecore.delivery.holding cimport (
    FULL_WAIT,
    HELD_BY_NONE,
    Full,
    Holder,
    Holders,
    Slowest,
    cursor_occupy,
    gate_close,
    gate_position,
    holder_advance,
    holder_copy,
    holder_leave,
    holder_peek,
    holder_register,
    holders_blocked,
    holders_lock,
    holders_unlock,
    limit_publish,
    limit_refresh,
)
from pricecore.delivery.ring cimport (
    TAKEN,
    Copied,
    ring_claim,
    ring_claim_ready,
    ring_copy,
    ring_fill,
    ring_publish,
    ring_sequence,
    ring_wait_lap,
)
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport (
    backoff,
    fetch_add_relaxed,
    fetch_or_acq_rel,
    load_acquire,
    load_relaxed,
    store_relaxed,
    store_release,
)
from pricecore.primitives.segment cimport CURSOR_COUNT, Cursor, Figure
from pricecore.types cimport RECORD_WORDS

cdef extern from "atomics.h" nogil:
    void pause "pc_pause" () noexcept

cdef enum:
    HEAD_WORDS = 32                 # ticket and limit
    CURSOR_WORDS = 16
    MISSING_REREAD = 1              # twins: the position is the ticket from before the gate was closed
    FASTEST = 2                     # the limit follows the consumer in front


cdef inline void make_record(uint64_t* record, uint64_t sequence) noexcept nogil:
    cdef uint64_t i
    record[0] = sequence
    for i in range(1, RECORD_WORDS):
        record[i] = sequence * <uint64_t> 8 + i


cdef inline bint is_torn(const uint64_t* record, uint64_t sequence) noexcept nogil:
    cdef uint64_t i
    for i in range(1, RECORD_WORDS):
        if record[i] != sequence * <uint64_t> 8 + i:
            return True
    return record[0] != sequence


cdef inline void dawdle(int64_t pauses) noexcept nogil:
    cdef int64_t _
    for _ in range(pauses):
        pause()


cdef class HoldingBox:
    """A ring of any power of two with its cursors; loops meet here, and the first one to end may end the others."""

    cdef Holders holders
    cdef Holder[CURSOR_COUNT] consumers
    cdef Figure[2] figures
    cdef uint64_t* words
    cdef uint64_t crowd
    cdef uint64_t arrived
    cdef uint64_t over

    def __cinit__(self, uint64_t capacity, uint64_t crowd=0):
        cdef size_t head = HEAD_WORDS + CURSOR_COUNT * CURSOR_WORDS
        assert sizeof(Cursor) == 8 * CURSOR_WORDS
        self.crowd = crowd
        self.words = <uint64_t*> aligned_zeroed(8 * (head + RECORD_WORDS * capacity))
        if self.words == NULL:
            raise MemoryError()
        self.holders.ring.ticket = self.words
        self.holders.ring.limit = self.words + 16
        self.holders.ring.limit[0] = HELD_BY_NONE
        self.holders.cursors = <Cursor*> (self.words + HEAD_WORDS)
        self.holders.ring.cells = self.words + head
        self.holders.ring.capacity = capacity
        self.holders.ring.mask = capacity - 1
        self.holders.waits_figure = &self.figures[0]
        self.holders.waited_figure = &self.figures[1]

    def __dealloc__(self):
        aligned_free(self.words)

    @property
    def sequence(self):
        return ring_sequence(&self.holders.ring)

    @property
    def limit(self):
        return None if self.holders.ring.limit[0] == HELD_BY_NONE else self.holders.ring.limit[0]

    def register(self, int i, str name not None, int full=FULL_WAIT):
        """Return 0, 1: the name is taken, 2: all cursors are."""
        cdef bytes encoded = name.encode()
        return <int> holder_register(&self.consumers[i], &self.holders, encoded, len(encoded), <Full> full, 0)

    def leave(self, int i):
        holder_leave(&self.consumers[i])

    def publish(self, uint64_t n):
        """Publish n records; return the first sequence, or None: no room."""
        cdef uint64_t first = 0, k
        cdef uint64_t[8] record
        if ring_claim(&self.holders.ring, n, &first) != TAKEN:
            return None
        for k in range(n):
            make_record(record, first + k)
            ring_fill(&self.holders.ring, record)
            ring_publish(&self.holders.ring, first + k)
        return first

    def claim(self, uint64_t n):
        """Take n tickets without publishing them; return the first, or None: no room."""
        cdef uint64_t first = 0
        return first if ring_claim(&self.holders.ring, n, &first) == TAKEN else None

    def copy(self, int i, uint64_t n):
        """Return (sequences, gap or None); a torn record shows as -1."""
        cdef Copied copied
        cdef uint64_t k
        cdef list found = []
        out = bytearray(64 * n)
        cdef char* memory = out
        cdef uint64_t* row
        copied = holder_copy(&self.consumers[i], <uint64_t*> memory, n)
        for k in range(copied.count):
            row = <uint64_t*> memory + 8 * k
            found.append(-1 if is_torn(row, row[0]) else row[0])
        first = self.consumers[i].gap_first
        return found, (first, self.consumers[i].gap_last) if first else None

    def peek(self, int i, uint64_t n):
        """Return the sequences of the next records in place."""
        cdef const uint64_t* first
        cdef uint64_t count = holder_peek(&self.consumers[i], &first, n)
        return [first[8 * k] if not is_torn(first + 8 * k, first[8 * k]) else -1 for k in range(count)]

    def advance(self, int i, uint64_t n):
        holder_advance(&self.consumers[i], n)

    def lost(self, int i):
        return self.consumers[i].lost

    def blocked(self, uint64_t n):
        """Return (name, position) of the consumer in the way, or None."""
        cdef Slowest slowest
        if not holders_blocked(&self.holders, n, &slowest):
            return None
        return (<bytes> slowest.name[:32]).rstrip(b"\0").decode(), slowest.position


cdef inline void meet(HoldingBox box) noexcept nogil:
    cdef unsigned tries = 0
    fetch_add_relaxed(&box.arrived, 1)
    while load_relaxed(&box.arrived) < box.crowd:
        backoff(&tries)


cdef inline bint claim_waiting(HoldingBox box, uint64_t n, uint64_t* first) noexcept nogil:
    """False: the others are done."""
    cdef unsigned tries = 0
    while load_relaxed(&box.over) == 0:
        if n == 1:
            if ring_claim_ready(&box.holders.ring, 1, first) == TAKEN:
                return True
        elif ring_claim(&box.holders.ring, n, first) == TAKEN:
            return True
        backoff(&tries)
    return False


def write(HoldingBox box, uint64_t until, uint64_t chunk=1):
    """Publish, waiting for room, until the ring is at `until` or the box is over; return how many it were."""
    cdef uint64_t first = 0, k, done = 0
    cdef uint64_t[8] record
    with nogil:
        meet(box)
        while ring_sequence(&box.holders.ring) < until and claim_waiting(box, chunk, &first):
            for k in range(chunk):
                ring_wait_lap(&box.holders.ring, first + k)
                make_record(record, first + k)
                ring_fill(&box.holders.ring, record)
                ring_publish(&box.holders.ring, first + k)
            done += chunk
    return done


def follow(HoldingBox box, int i, uint64_t until, uint64_t batch, bint in_place=False, int64_t pauses=0, int broken=0):
    """Read a registered consumer until `until`, then leave: (read, out of place, torn, lost)."""
    cdef Holder* holder = &box.consumers[i]
    cdef uint64_t k, read = 0, misplaced = 0, torn = 0, before, count
    cdef const uint64_t* row
    cdef Copied copied
    cdef unsigned tries = 0
    out = bytearray(64 * batch)
    cdef char* memory = out
    with nogil:
        meet(box)
        while holder.position < until and load_relaxed(&box.over) == 0:
            before = holder.position
            if in_place:
                count = holder_peek(holder, &row, batch)
            elif broken == FASTEST:
                copied = copy_and_free_all(holder, <uint64_t*> memory, batch)
                row, count = <uint64_t*> memory, copied.count
            else:
                copied = holder_copy(holder, <uint64_t*> memory, batch)
                row, count = <uint64_t*> memory, copied.count
            dawdle(pauses)
            for k in range(count):
                misplaced += row[8 * k] != before + k + 1
                torn += is_torn(row + 8 * k, row[8 * k])
            if in_place and count:
                holder_advance(holder, count)
            read += count
            if count:
                tries = 0
            else:
                backoff(&tries)
            if holder.lost:
                store_release(&box.over, 1)
        holder_leave(holder)
    return read, misplaced, torn, holder.lost


cdef inline Copied copy_and_free_all(Holder* holder, uint64_t* out, uint64_t n) noexcept nogil:
    """holder_copy with a limit that looks at this consumer alone."""
    cdef uint64_t position = holder.position
    cdef Copied copied = ring_copy(&holder.holders.ring, &position, out, n)
    holder.lost += copied.lost
    holder.position = position
    holders_lock(holder.holders)
    limit_publish(holder.holders, max(
        load_acquire(holder.holders.ring.limit), position + holder.holders.ring.capacity))
    holders_unlock(holder.holders)
    return copied


cdef inline void register_slowly(Holder* holder, Holders* holders, int i, int64_t pauses, int broken) noexcept nogil:
    """holder_register, with pauses between its steps; or without the second look at the ticket."""
    cdef Cursor* cursor = &holders.cursors[i]
    memset(holder, 0, sizeof(Holder))
    holders_lock(holders)
    cursor.full = FULL_WAIT
    holder.position = ring_sequence(&holders.ring)
    if broken == MISSING_REREAD:
        dawdle(pauses)
    gate_close(holders)
    dawdle(pauses)
    if broken != MISSING_REREAD:
        holder.position = gate_position(holders)
    dawdle(pauses)
    store_relaxed(&cursor.position, holder.position)
    cursor_occupy(cursor, 1)
    limit_refresh(holders)
    holder.holders, holder.cursor, holder.epoch = holders, cursor, holders.epoch
    holders_unlock(holders)


def come_and_go(HoldingBox box, int i, int64_t rounds, uint64_t records, int64_t pauses=0, int broken=0):
    """Register, read some records, leave, over and over beside writers: (read, out of place, torn, lost)."""
    cdef Holder* holder = &box.consumers[i]
    cdef uint64_t lost = 0, misplaced = 0, torn = 0, read = 0, k, got, before
    cdef int64_t _
    cdef char letter = 65 + i
    cdef Copied copied
    cdef uint64_t* row
    cdef unsigned tries = 0
    out = bytearray(64 * records)
    cdef char* memory = out
    with nogil:
        meet(box)
        for _ in range(rounds):
            if pauses or broken:
                register_slowly(holder, &box.holders, i, pauses, broken)
            else:
                holder_register(holder, &box.holders, &letter, 1, FULL_WAIT, 0)
            dawdle(pauses)
            got, tries = 0, 0
            while got < records and load_relaxed(&box.over) == 0:
                before = holder.position
                copied = holder_copy(holder, <uint64_t*> memory, records - got)
                for k in range(copied.count):
                    row = <uint64_t*> memory + 8 * k
                    misplaced += row[0] != before + k + 1
                    torn += is_torn(row, row[0])
                got += copied.count
                lost += copied.lost
                if not copied.count:
                    backoff(&tries)
            read += got
            holder_leave(holder)
            if lost:
                break
        fetch_or_acq_rel(&box.over, 1)
    return read, misplaced, torn, lost
