"""Registering, reading and leaving of consumers that hold the ring. Contract and orderings: holding.pxd."""

cimport cython
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from pricecore.delivery.ring cimport ring_copy, ring_leave_out, ring_has_room, ring_of
from pricecore.primitives.segment cimport figure_set, segment_at


cdef Registered holder_register(
    Holder* holder, Holders* holders, const char* name, size_t length, Full full, int64_t timeout_ns
) noexcept nogil:
    """Give a consumer a cursor that stands at the newest ticket: the first record that it sees is the next one.

    Call with the GIL, where there is one: see gate_position."""
    cdef char[FIGURE_NAME_BYTES] padded
    cdef Cursor* cursor
    cdef Registered done
    memset(holder, 0, sizeof(Holder))
    memset(padded, 0, FIGURE_NAME_BYTES)
    memcpy(padded, name, length)
    holders_lock(holders)
    done = DETACHED if holders.detached else free_cursor(holders, padded, &cursor)
    if done == REGISTERED:
        cursor_rename(cursor, padded)
        cursor.full = full
        cursor.full_timeout_ns = timeout_ns
        if full != FULL_SKIP:
            gate_close(holders)
        holder.position = gate_position(holders)
        store_relaxed(&cursor.position, holder.position)
        holders.serial += 1
        cursor_occupy(cursor, holders.serial)
        limit_refresh(holders)
        holder.holders, holder.cursor, holder.epoch = holders, cursor, holders.epoch
    holders_unlock(holders)
    return done


cdef Registered free_cursor(Holders* holders, const char* padded, Cursor** found) noexcept nogil:
    """Find the first free cursor, unless one has this name. Call with the lock held."""
    cdef Cursor* cursor
    cdef size_t i
    found[0] = NULL
    for i in range(<size_t>CURSOR_COUNT):
        cursor = &holders.cursors[i]
        if not cursor_occupied(cursor):
            if found[0] == NULL:
                found[0] = cursor
        elif memcmp(cursor.name, padded, FIGURE_NAME_BYTES) == 0:
            return NAME_TAKEN
    return ALL_TAKEN if found[0] == NULL else REGISTERED


cdef void holder_leave(Holder* holder) noexcept nogil:
    """Hold nothing any more. A second call does nothing."""
    if holder.holders == NULL:
        return
    holders_lock(holder.holders)
    if is_registered(holder):
        cursor_occupy(holder.cursor, 0)
        limit_refresh(holder.holders)
    holder.cursor = NULL
    holders_unlock(holder.holders)


cdef Copied holder_copy(Holder* holder, uint64_t* out, uint64_t n) noexcept nogil:
    """Copy the next n records as far as they are published, and advance; a consumer that holds loses none."""
    cdef uint64_t position = holder.position
    cdef Copied copied = ring_copy(&holder.holders.ring, &position, out, n)
    ring_leave_out(&copied, &position, holders_last(holder.holders))
    holder.lost += copied.lost
    holder.gap_first = holder.position + 1 if copied.lost else 0
    holder.gap_last = holder.position + copied.lost if copied.lost else 0
    if position != holder.position:
        holder_advance(holder, position - holder.position)
    return copied


cdef bint holders_blocked(Holders* holders, uint64_t n, Slowest* slowest) noexcept nogil:
    """Tell whether n records have no room, and who is in the way: the one furthest behind."""
    cdef const Cursor* cursor
    holders_lock(holders)
    cursor = slowest_cursor(holders)
    if cursor != NULL:
        slowest.position = cursor_position(cursor)
        slowest.full = cursor.full
        slowest.timeout_ns = cursor.full_timeout_ns
        memcpy(slowest.name, cursor.name, FIGURE_NAME_BYTES)
    cdef bint blocked = cursor != NULL and not ring_has_room(&holders.ring, n)
    holders_unlock(holders)
    return blocked


cdef void forget_cursors(Holders* holders) noexcept nogil:
    """Call with the lock held."""
    cdef size_t i
    for i in range(<size_t>CURSOR_COUNT):
        cursor_occupy(&holders.cursors[i], 0)
    limit_refresh(holders)


cdef void holders_detach(Holders* holders) noexcept nogil:
    """Part from all consumers, before another process may write this segment: from here on they can be lapped, and
    nothing of theirs is written there. Call when no ticket is open and none will be taken; a second call, when that
    process may be there, does nothing."""
    holders_lock(holders)
    if not holders.detached:
        holders.epoch += 1
        forget_cursors(holders)
        holders.last = ring_sequence(&holders.ring)
        store_release(&holders.detached, 1)
    holders_unlock(holders)


cdef void holders_waited(Holders* holders, int64_t waited_ns) noexcept nogil:
    """Count a writer's wait for room."""
    holders_lock(holders)
    holders.waits += 1
    holders.waited_ns += waited_ns
    if not holders.detached:
        figure_set(holders.waits_figure, <double>holders.waits)
        figure_set(holders.waited_figure, holders.waited_ns / 1e9)
    holders_unlock(holders)


cdef str name_in(const char* padded):
    return (<bytes>padded[:FIGURE_NAME_BYTES]).rstrip(b"\0").decode("utf-8", "replace")


cdef tuple consumers_of(const Layout* layout):
    """Return (name, records behind) of every consumer, from the segment alone: a view reads them, too."""
    cdef const Cursor* cursors = <const Cursor*>segment_at(layout, layout.offsets.cursors)
    cdef Ring ring = ring_of(layout)
    cdef uint64_t[CURSOR_NAME_WORDS] name
    cdef uint64_t registration, position
    cdef size_t i
    cdef list found = []
    for i in range(<size_t>CURSOR_COUNT):
        registration = cursor_occupied(&cursors[i])
        position = cursor_position(&cursors[i])
        cursor_name(&cursors[i], <char*>name)
        if registration and cursor_unchanged(&cursors[i], registration):
            found.append((name_in(<const char*>name), max(<int64_t>(ring_sequence(&ring) - position), 0)))
    return tuple(found)


# The collector must not take the segment away before the last consumer has left. No cycle leads through either.
@cython.no_gc_clear
cdef class HolderTable:
    """The consumers of an engine in the process that writes it.

    Threads: any. Cost: as its functions; see holding.pxd.
    """

    def __cinit__(self, Segment segment not None):
        self.segment = segment
        self.holders.ring = ring_of(&segment.layout)
        self.holders.cursors = <Cursor*>segment_at(&segment.layout, segment.layout.offsets.cursors)
        self.holders.waits_figure = segment.figure(b"ring_waits")
        self.holders.waited_figure = segment.figure(b"ring_wait_s")
        figure_set(self.holders.waits_figure, 0.0)
        figure_set(self.holders.waited_figure, 0.0)

    cdef void after_fork(self, bint is_ours) noexcept:
        """In a forked child: the consumers are the parent's. `is_ours`: the segment is a copy, with cursors to free."""
        holders_unlock(&self.holders)          # whoever had the lock is not here
        self.holders.epoch += 1
        if is_ours:
            forget_cursors(&self.holders)

    cdef object slowest(self):
        """Return the name of the consumer furthest behind and how many records it is; None: nobody holds."""
        cdef Slowest slowest
        slowest.name[0] = 0
        holders_blocked(&self.holders, 0, &slowest)
        if slowest.name[0] == 0:
            return None
        return name_in(slowest.name), max(<int64_t>(ring_sequence(&self.holders.ring) - slowest.position), 0)
