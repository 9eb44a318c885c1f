"""Registering, reading and leaving of consumers that hold the ring. Contract and orderings: holding.pxd."""

import os
from numbers import Real

import numpy as np

cimport cython
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from pricecore.delivery.ring cimport ring_copy, ring_has_room, ring_of
from pricecore.primitives.segment cimport figure_set, segment_at

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import EngineClosedError, WrongProcessError

FULL = ("wait", "raise", "skip")        # in the order of enum Full
MOST_TIMEOUT_S = 1e9


cdef Registered holder_register(
    Holder* holder, Holders* holders, const char* name, size_t length, Full full, int64_t timeout_ns
) noexcept nogil:
    """Give a consumer a cursor that stands at the newest ticket: the first record that it sees is the next one."""
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


cdef void leave_out_foreign(Copied* copied, uint64_t* position, uint64_t last) noexcept nogil:
    """Take back what lies behind `last`: another writer's. What of ours was overwritten by it stays lost."""
    cdef uint64_t behind = position[0] - last if position[0] > last else 0
    cdef uint64_t records = min(behind, copied.count)
    copied.count -= records
    copied.lost -= behind - records
    position[0] -= behind


cdef Copied holder_copy(Holder* holder, uint64_t* out, uint64_t n) noexcept nogil:
    """Copy the next n records as far as they are published, and advance; a consumer that holds loses none."""
    cdef uint64_t position = holder.position
    cdef Copied copied = ring_copy(&holder.holders.ring, &position, out, n)
    leave_out_foreign(&copied, &position, holders_last(holder.holders))
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
    nothing of theirs is written there. Call when no ticket is open and none will be taken."""
    holders_lock(holders)
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


cdef bytes as_name(object name):
    if not isinstance(name, str):
        raise TypeError(f"a consumer's name must be a str, not {name!r}")
    encoded = name.encode()
    if not 1 <= len(encoded) <= FIGURE_NAME_BYTES or b"\0" in encoded:
        raise ValueError(
            f"name is {name[:100]!r}; a consumer's name has 1 to {FIGURE_NAME_BYTES} bytes as UTF-8, none of them zero")
    return encoded


cdef Full as_full(object full) except *:
    if not isinstance(full, str) or full not in FULL:
        raise ValueError(f"full is {full!r}; it must be 'wait', 'raise' or 'skip'")
    return <Full><int>FULL.index(full)


cdef int64_t as_timeout_ns(object timeout_s) except -1:
    if not isinstance(timeout_s, Real) or isinstance(timeout_s, bool):
        raise TypeError(f"full_timeout_s must be a number of seconds, not {timeout_s!r}")
    if not 0 <= timeout_s <= MOST_TIMEOUT_S:        # nor NaN
        raise ValueError(f"full_timeout_s is {timeout_s!r}; it must be 0 to 1e9 seconds")
    return <int64_t>(<double>timeout_s * 1e9)


cdef inline bint begin_reading(uint64_t* reading) noexcept nogil:
    """False: another thread is at it."""
    cdef uint64_t nobody = 0
    return cas_acquire(reading, &nobody, 1)


cdef inline void end_reading(uint64_t* reading) noexcept nogil:
    """The next reader sees where this one stopped; pairs with begin_reading."""
    store_release(reading, 0)


@cython.final
@cython.no_gc_clear             # as HolderTable: __dealloc__ leaves it
cdef class HoldingConsumer:
    """Reads every record of an engine, in order and without a hole: the ring waits for it. `engine.consumer` makes
    it and describes the options.

    It holds the ring until it is closed or dropped, also when the thread that reads it has ended: updates then fail
    with a RingFullError that names it.

    Threads: one at a time; `close` any. Cost: `read` copies 64 bytes a record and never waits.
    """

    def __cinit__(self, HolderTable table not None, name, full="wait", full_timeout_s=1.0):
        cdef bytes encoded = as_name(name)
        cdef Full behaviour = as_full(full)
        cdef int64_t timeout_ns = as_timeout_ns(full_timeout_s)
        cdef Registered done = holder_register(
            &self.holder, &table.holders, encoded, len(encoded), behaviour, timeout_ns)
        if done == DETACHED:
            raise EngineClosedError(f"the engine was closed before the consumer {name!r} was registered")
        if done == NAME_TAKEN:
            raise ValueError(f"name is {name!r}; a consumer of this name is registered, close it or take another name")
        if done == ALL_TAKEN:
            raise ValueError(f"no place for the consumer {name!r}: all {CURSOR_COUNT} are taken; close one")
        self.table = table
        self.name = str(name)
        self.full = FULL[<int>behaviour]
        self.full_timeout_s = full_timeout_s
        self.pid = os.getpid()

    def __dealloc__(self):
        holder_leave(&self.holder)

    cdef int check(self) except -1:
        if self.holder.epoch != self.table.holders.epoch and os.getpid() != self.pid:
            raise WrongProcessError(
                f"the consumer {self.name!r} belongs to process {self.pid}, this is its child {os.getpid()}: register "
                f"one here")
        if self.holder.cursor == NULL:
            raise ValueError(f"the consumer {self.name!r} is closed")
        return 0

    cdef Copied copy(self, uint64_t* out, uint64_t n) noexcept nogil:
        return holder_copy(&self.holder, out, n)

    def read(self, Py_ssize_t max_items=1024):
        """Return the next records and give their places in the ring free.

        Every record comes: SYMBOL (kind 2) and VOID (kind 255), too. After the engine's `close` what is left, up to
        its last record, can still be read, until the next writer of a named segment overwrites it: `gap` says so.

        Parameters
        ----------
        max_items : int
            At least 1; no more than the ring's capacity come at once.

        Returns
        -------
        numpy.ndarray
            Of RECORD_DTYPE, a copy; empty when nothing is new. With ``full="skip"`` records may be missing before
            the first one: `gap` says which.

        Raises
        ------
        ValueError
            The consumer is closed. RuntimeError: another thread is reading. WrongProcessError: in a forked child.

        Threads: one at a time. Cost: never waits; allocates the array; releases the GIL.
        """
        cdef char[::1] memory
        cdef Copied copied
        if max_items < 1:
            raise ValueError(f"max_items is {max_items}; it must be at least 1")
        self.check()
        out = np.empty(min(max_items, <Py_ssize_t>self.holder.holders.ring.capacity), RECORD_DTYPE)
        memory = out.view(np.int8)
        if not begin_reading(&self.reading):
            raise RuntimeError(f"another thread reads the consumer {self.name!r}; one at a time")
        with nogil:
            copied = self.copy(<uint64_t*>&memory[0], memory.shape[0] // 64)
            end_reading(&self.reading)
        return out[:copied.count]

    @property
    def gap(self):
        """First and last sequence lost right before what the last `read` returned; None: none. Only with "skip"."""
        return (self.holder.gap_first, self.holder.gap_last) if self.holder.gap_first else None

    @property
    def lost(self):
        """Records lost since the registration; 0 unless ``full="skip"``."""
        return self.holder.lost

    @property
    def next_sequence(self):
        """The sequence that the next `read` begins with, or with "skip" would begin with."""
        return self.holder.position + 1

    @property
    def behind(self):
        """Records given out and not yet read."""
        cdef uint64_t last = min(ring_sequence(&self.table.holders.ring), holders_last(&self.table.holders))
        return max(<int64_t>(last - self.holder.position), 0)

    @property
    def closed(self):
        """True after `close`."""
        return self.holder.cursor == NULL

    def close(self):
        """Let the ring go; updates that wait for this consumer go on at once. Threads: any; once is enough."""
        holder_leave(&self.holder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        state = "closed" if self.closed else f"full={self.full!r}, {self.behind:,} records behind"
        return f"<HoldingConsumer {self.name!r}: {state}>"
