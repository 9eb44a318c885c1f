"""Consumers that hold the ring: no record is overwritten before they have taken it.

Source      the gating sequences of the LMAX Disruptor; here one word, `limit`, stands for all of them, so that a
            writer loads one word however many consumers there are.
Contract    up to 16 consumers, all of the writer's process. FULL_WAIT and FULL_RAISE hold the ring: what lies behind
            their position may be read in place. FULL_SKIP holds nothing: it is lapped like any reader, copies, and
            learns the gap. (To move a slow one on from outside, a writer would have to take records from under it.)
Progress    register, advance and leave take a lock for the time of 16 loads; a writer takes it only at a full ring,
            to learn who is behind. Taking and freeing room is one load of `limit`: a writer never waits here.
Invariants  while somebody holds, limit == slowest position + capacity and ticket <= limit; else limit is HELD_BY_NONE.
            A position only grows, hence the limit falls at one moment alone: when the first consumer registers.
            Positions and limit change under the lock: a minimum computed earlier is never stored later.
Orderings   limit_publish (release) pairs with ring_limit (acquire): who takes room sees the records there copied.
            Registration: a writer loads ticket, limit, and swaps the ticket if it is unchanged. It may have seen
            HELD_BY_NONE, and swap at any later time. So the first consumer closes the gate (any limit will do), and
            then reads its position T by a read-modify-write of the ticket, which releases. So does every claim behind
            it; and each knows the limit: a swap (ring_take) acquires T or the claim before it, a plain store
            (ring_claim_alone) is made with the GIL, which the registration had before. So who sees a ticket beyond T
            (ring_sequence acquires) sees the limit. Who does not can swap only T itself: one claim, which ends at
            T + n <= T + capacity. From T on nothing can be lost, and T + capacity is the limit. With others holding,
            the newcomer stands at or before the ticket and not behind the slowest: the limit does not change.
            Between two holders (one leaves, one comes) a writer may hold a limit of the first: it is lower.
Closing     holders_detach notes the last ticket of this engine, before another process may take over its segment. A
            reader looks for it (holders_last) behind its copies: had it copied a record of the next writer, which
            began after the detaching process gave its lock back, it would see where its own stream ends.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.ring cimport Copied, Ring, cell_stamp, ring_cell, ring_limit, ring_sequence
from pricecore.primitives.atomics cimport (
    fence_acquire, fence_release, fetch_or_acq_rel, load_acquire, load_relaxed, store_relaxed, store_release,
)
from pricecore.primitives.segment cimport CURSOR_COUNT, FIGURE_NAME_BYTES, Cursor, Figure, Layout, Segment
from pricecore.primitives.spin cimport spin_lock, spin_unlock

cdef enum Full:                     # what a writer does that finds the ring full of this consumer's records
    FULL_WAIT = 0
    FULL_RAISE = 1
    FULL_SKIP = 2

cdef enum:
    CURSOR_NAME_WORDS = 4           # FIGURE_NAME_BYTES

cdef enum Registered:
    REGISTERED = 0
    NAME_TAKEN = 1
    ALL_TAKEN = 2
    DETACHED = 3                    # the engine is closed

cdef extern from *:
    """
    #define PC_HELD_BY_NONE UINT64_MAX
    """
    const uint64_t HELD_BY_NONE "PC_HELD_BY_NONE"

cdef struct Holders:                # what the consumers of one engine share; memory of this process
    Ring ring
    Cursor* cursors                 # in the segment, for whoever wants to see who is behind
    uint64_t lock
    uint64_t epoch                  # a consumer of an older one has no cursor any more
    uint64_t serial                 # registrations
    uint64_t detached               # 1: the engine is closed, and the segment may be another writer's
    uint64_t last                   # then: its last ticket
    uint64_t waits                  # of writers, for room
    int64_t waited_ns
    Figure* waits_figure
    Figure* waited_figure

cdef struct Holder:                 # one consumer; used by one thread at a time
    Holders* holders
    Cursor* cursor                  # NULL: it has left
    uint64_t epoch
    uint64_t position               # records taken
    uint64_t lost
    uint64_t gap_first              # of the last holder_copy: what was lost before the first record of it; 0: nothing
    uint64_t gap_last

cdef struct Slowest:                # the consumer that a full ring waits for
    uint64_t position
    uint64_t full
    int64_t timeout_ns
    char name[FIGURE_NAME_BYTES]


cdef inline void holders_lock(Holders* holders) noexcept nogil:
    """Take turns; who holds this calls nothing that waits."""
    spin_lock(&holders.lock)


cdef inline void holders_unlock(Holders* holders) noexcept nogil:
    spin_unlock(&holders.lock)


cdef inline uint64_t holders_last(const Holders* holders) noexcept nogil:
    """The highest sequence that is the engine's own; pairs with the release in holders_detach."""
    return holders.last if load_acquire(&holders.detached) else HELD_BY_NONE


cdef inline uint64_t cursor_occupied(const Cursor* cursor) noexcept nogil:
    """Who sees a registration sees its name and its start; 0: the cursor is free."""
    return load_acquire(&cursor.in_use)


cdef inline void cursor_occupy(Cursor* cursor, uint64_t registration) noexcept nogil:
    """Last of a registration, first of leaving (0); pairs with cursor_occupied."""
    store_release(&cursor.in_use, registration)


cdef inline uint64_t cursor_position(const Cursor* cursor) noexcept nogil:
    return load_relaxed(&cursor.position)


cdef inline void cursor_name(const Cursor* cursor, char* name) noexcept nogil:
    """Copy the name, which a later registration may be changing: whole words, in no order."""
    cdef const uint64_t* words = <const uint64_t*>cursor.name
    cdef size_t i
    for i in range(<size_t>CURSOR_NAME_WORDS):
        (<uint64_t*>name)[i] = load_relaxed(&words[i])


cdef inline void cursor_rename(Cursor* cursor, const char* name) noexcept nogil:
    """Name a free cursor; who sees a word of it sees that the one before has left. Pairs with cursor_unchanged."""
    cdef uint64_t* words = <uint64_t*>cursor.name
    cdef size_t i
    fence_release()
    for i in range(<size_t>CURSOR_NAME_WORDS):
        store_relaxed(&words[i], (<const uint64_t*>name)[i])


cdef inline bint cursor_unchanged(const Cursor* cursor, uint64_t registration) noexcept nogil:
    """What was loaded before is of this registration; pairs with cursor_rename."""
    fence_acquire()
    return load_relaxed(&cursor.in_use) == registration


cdef inline void limit_publish(Holders* holders, uint64_t limit) noexcept nogil:
    """Behind the copies of what was taken; pairs with ring_limit."""
    store_release(holders.ring.limit, limit)


cdef inline bint holds(const Cursor* cursor) noexcept nogil:
    return cursor_occupied(cursor) != 0 and cursor.full != FULL_SKIP


cdef inline const Cursor* slowest_cursor(const Holders* holders) noexcept nogil:
    """Return the cursor furthest behind of those that hold, or NULL. Call with the lock held."""
    cdef const Cursor* slowest = NULL
    cdef size_t i
    for i in range(<size_t>CURSOR_COUNT):
        if holds(&holders.cursors[i]):
            if slowest == NULL or cursor_position(&holders.cursors[i]) < cursor_position(slowest):
                slowest = &holders.cursors[i]
    return slowest


cdef inline void limit_refresh(Holders* holders) noexcept nogil:
    """Say how far writers may go. Call with the lock held."""
    cdef const Cursor* slowest = slowest_cursor(holders)
    limit_publish(
        holders, HELD_BY_NONE if slowest == NULL else cursor_position(slowest) + holders.ring.capacity)


cdef inline void gate_close(Holders* holders) noexcept nogil:
    """Let no writer go on without a limit; any will do, the right one follows. Call with the lock held."""
    limit_publish(holders, min(ring_limit(&holders.ring), ring_sequence(&holders.ring) + holders.ring.capacity))


cdef inline uint64_t gate_position(Holders* holders) noexcept nogil:
    """Return the ticket: whoever sees a later one sees the limit that stands now. See Orderings.

    Call with the GIL, where there is one: a single update that is alone claims between a load and a store."""
    return fetch_or_acq_rel(holders.ring.ticket, 0)


cdef inline bint is_registered(const Holder* holder) noexcept nogil:
    """Call with the lock held."""
    return holder.cursor != NULL and holder.epoch == holder.holders.epoch


cdef inline void holder_advance(Holder* holder, uint64_t n) noexcept nogil:
    """Give the next n records free; they are not touched any more."""
    holder.position += n
    holders_lock(holder.holders)
    if is_registered(holder):
        store_relaxed(&holder.cursor.position, holder.position)
        if holder.cursor.full != FULL_SKIP:
            limit_refresh(holder.holders)
    holders_unlock(holder.holders)


cdef inline uint64_t holder_peek(const Holder* holder, const uint64_t** first, uint64_t n) noexcept nogil:
    """Point `first` at the next published records, at most n of them, in place; return how many lie there in a row.

    They stay until holder_advance. Not for FULL_SKIP, nor once the consumer or its engine is closed: those copy.
    """
    cdef const Ring* ring = &holder.holders.ring
    cdef uint64_t count = 0
    cdef uint64_t row = ring.capacity - (holder.position & ring.mask)       # up to the end of the ring
    first[0] = ring_cell(ring, holder.position + 1)
    while count < min(n, row) and cell_stamp(ring_cell(ring, holder.position + count + 1)) == (
            holder.position + count + 1):
        count += 1
    return count


cdef Registered holder_register(
    Holder* holder, Holders* holders, const char* name, size_t length, Full full, int64_t timeout_ns
) noexcept nogil
cdef void holder_leave(Holder* holder) noexcept nogil
cdef Copied holder_copy(Holder* holder, uint64_t* out, uint64_t n) noexcept nogil
cdef bint holders_blocked(Holders* holders, uint64_t n, Slowest* slowest) noexcept nogil
cdef void holders_detach(Holders* holders) noexcept nogil
cdef void holders_waited(Holders* holders, int64_t waited_ns) noexcept nogil
cdef tuple consumers_of(const Layout* layout)


cdef class HolderTable:
    cdef Holders holders
    cdef Segment segment

    cdef void after_fork(self, bint is_ours) noexcept
    cdef object slowest(self)
