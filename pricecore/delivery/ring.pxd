"""The broadcast ring: every record of an engine, in one order, for any number of readers.

Source      the multi-producer sequencer of the LMAX Disruptor, with the published mark inside the record, and
            readers that may be lapped as in a sequence lock.
Contract    many writers of one process, readers anywhere. A ticket is a sequence: whoever took it publishes it, as
            a record or as VOID. A reader that falls a whole ring behind learns how many records it missed.
            ring_claim_alone is for a writer that knows itself alone (hotpath.pxd): its claim is a plain store.
Progress    ring_claim and ring_claim_ready are lock-free. A ticket's owner waits (ring_wait_lap, or
            ring_claim_ready's answer NOT_YET) only for a writer that stalls a whole lap behind, and never while it
            holds a slot: so the owner of the lowest open ticket never waits for a higher one. ring_copy is
            wait-free.
Invariants  cell i holds sequence s with (s - 1) mod capacity == i; word 0 is the sequence of the last record
            published there. The ticket counter never passes `limit`, the slowest holding consumer's position plus
            the capacity.
Orderings   ring_publish (release) pairs with cell_stamp (acquire): who sees the sequence sees the record. A claim, be
            it a swap or a store, comes with a release fence before any store to the cells; a reader loads the ticket
            counter behind an acquire fence after copying: had it copied a word of a later lap, it would see a counter
            that tells. ring.pml is a model of this file, and of registration in holding.pxd, in memory that is weak.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from pricecore.primitives.atomics cimport (
    backoff, cas_acq_rel, fence_acquire, fence_release, likely, load_acquire, load_payload,
    load_relaxed, store_payload, store_release, unlikely,
)
from pricecore.primitives.segment cimport Layout, segment_at
from pricecore.types cimport KIND_VOID, RECORD_BYTES, RECORD_WORDS, Record

cdef enum Claim:
    NO_ROOM = 0
    TAKEN = 1
    NOT_YET = 2

cdef struct Ring:                   # one process's pointers into the segment
    uint64_t* cells
    uint64_t* ticket
    uint64_t* limit
    uint64_t capacity
    uint64_t mask


cdef inline Ring ring_of(const Layout* layout) noexcept nogil:
    cdef Ring ring
    ring.cells = <uint64_t*>segment_at(layout, layout.offsets.ring)
    ring.ticket = &layout.header.ticket.value
    ring.limit = &layout.header.limit.value
    ring.capacity = layout.geometry.ring_capacity
    ring.mask = ring.capacity - 1
    return ring


cdef inline uint64_t* ring_cell(const Ring* ring, uint64_t sequence) noexcept nogil:
    return ring.cells + ((sequence - 1) & ring.mask) * RECORD_WORDS


cdef inline uint64_t cell_stamp(const uint64_t* cell) noexcept nogil:
    """The sequence seen here comes with its whole record."""
    return load_acquire(cell)


cdef inline uint64_t ring_sequence(const Ring* ring) noexcept nogil:
    """The highest sequence given out; not all up to it need be published. Pairs with gate_position, see ring_take."""
    return load_acquire(ring.ticket)


cdef inline uint64_t ring_limit(const Ring* ring) noexcept nogil:
    """What a holding consumer has taken is copied before it raises this; pairs with its release."""
    return load_acquire(ring.limit)


cdef inline bint ring_take(Ring* ring, uint64_t* taken, uint64_t n) noexcept nogil:
    """Take n tickets behind `taken`, or learn the newer one. Who sees a ticket that was taken after a consumer
    registered sees its limit: pairs with gate_position (holding.pxd)."""
    return cas_acq_rel(ring.ticket, taken, taken[0] + n)


cdef inline bint ring_has_room(const Ring* ring, uint64_t n) noexcept nogil:
    return ring_sequence(ring) + n <= ring_limit(ring)


cdef inline bint lap_is_over(const Ring* ring, uint64_t sequence) noexcept nogil:
    """The record one lap before is complete: the cell is free for this sequence."""
    return cell_stamp(ring_cell(ring, sequence)) == (sequence - ring.capacity if sequence > ring.capacity else 0)


cdef inline void ring_wait_lap(const Ring* ring, uint64_t sequence) noexcept nogil:
    """Wait until the cell of a sequence that is ours is free. Hold no slot."""
    cdef unsigned tries = 0
    while unlikely(not lap_is_over(ring, sequence)):
        backoff(&tries)


cdef inline Claim ring_claim(Ring* ring, uint64_t n, uint64_t* first) noexcept nogil:
    """Take n sequences from `first` on, or nothing: NO_ROOM says that a holding consumer is behind."""
    cdef uint64_t taken = ring_sequence(ring)
    while True:
        if unlikely(taken + n > ring_limit(ring)):
            return NO_ROOM
        if likely(ring_take(ring, &taken, n)):
            fence_release()             # cell stores stay behind the claim: see Orderings
            first[0] = taken + 1
            return TAKEN


cdef inline Claim ring_claim_ready(Ring* ring, uint64_t n, uint64_t* first) noexcept nogil:
    """Take n (1 or 2) sequences whose cells are free already, or nothing; NOT_YET: a writer stalls a lap behind."""
    cdef uint64_t taken = ring_sequence(ring)
    while True:
        if unlikely(taken + n > ring_limit(ring)):
            return NO_ROOM
        if unlikely(not lap_is_over(ring, taken + 1) or (n == 2 and not lap_is_over(ring, taken + 2))):
            # A stale ticket looks like a stalled lap, too: only an unmoved one is.
            if load_relaxed(ring.ticket) == taken:
                return NOT_YET
            taken = ring_sequence(ring)
        elif likely(ring_take(ring, &taken, n)):
            fence_release()             # cell stores stay behind the claim: see Orderings
            first[0] = taken + 1
            return TAKEN


cdef inline bint ring_claim_alone(Ring* ring, uint64_t* sequence) noexcept nogil:
    """Take the next sequence, by the only thread that can be writing; False: ring_claim_ready says why not.

    The limit cannot fall meanwhile: who registers as a consumer has the GIL. The ticket is released as by ring_take."""
    cdef uint64_t taken = load_relaxed(ring.ticket)
    if unlikely(taken >= ring_limit(ring) or not lap_is_over(ring, taken + 1)):
        return False
    store_release(ring.ticket, taken + 1)   # pairs with ring_sequence; see waiting.pxd for who is about to sleep
    fence_release()                     # cell stores stay behind the claim: see Orderings
    sequence[0] = taken + 1
    return True


cdef inline void ring_fill(Ring* ring, const uint64_t* record) noexcept nogil:
    """Write the record's payload to its cell, which is free."""
    store_payload(ring_cell(ring, record[0]), record)


cdef inline void cell_publish(uint64_t* cell, uint64_t sequence) noexcept nogil:
    store_release(cell, sequence)


cdef inline void ring_publish(Ring* ring, uint64_t sequence) noexcept nogil:
    cell_publish(ring_cell(ring, sequence), sequence)


cdef inline void ring_void(Ring* ring, uint64_t sequence) noexcept nogil:
    """Publish a ticket that is not used, to its free cell."""
    cdef Record empty
    memset(&empty, 0, sizeof(Record))
    empty.sequence = sequence
    empty.kind = KIND_VOID
    ring_fill(ring, <const uint64_t*>&empty)
    ring_publish(ring, sequence)


cdef struct Copied:
    uint64_t count                  # records copied
    uint64_t lost                   # records that were overwritten before they could be copied


cdef inline uint64_t ring_copy_published(const Ring* ring, uint64_t position, uint64_t* out, uint64_t n) noexcept nogil:
    """Copy up to n records behind `position`, as far as they are published; return how many."""
    cdef uint64_t copied, sequence
    cdef const uint64_t* cell
    for copied in range(n):
        sequence = position + copied + 1
        cell = ring_cell(ring, sequence)
        if cell_stamp(cell) != sequence:
            return copied
        out[0] = sequence
        load_payload(out, cell)
        out += RECORD_WORDS
    return n


cdef inline uint64_t ring_overrun(const Ring* ring, uint64_t position) noexcept nogil:
    """How many records behind `position` may have been overwritten by now."""
    fence_acquire()                     # pairs with the fence behind every claim
    cdef uint64_t taken = load_relaxed(ring.ticket)
    return taken - ring.capacity - position if taken > position + ring.capacity else 0


cdef inline void ring_leave_out(Copied* copied, uint64_t* position, uint64_t last) noexcept nogil:
    """Take back what lies behind `last`: another writer's. What of ours was overwritten by it stays lost."""
    cdef uint64_t behind = position[0] - last if position[0] > last else 0
    cdef uint64_t records = min(behind, copied.count)
    copied.count -= records
    copied.lost -= behind - records
    position[0] -= behind


cdef Copied ring_copy(const Ring* ring, uint64_t* position, uint64_t* out, uint64_t n) noexcept nogil
