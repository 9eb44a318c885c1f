"""What a user of a consumer that holds the ring has in hand. The protocol: holding.pxd."""

import os
from numbers import Real

import numpy as np

cimport cython
from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.holding cimport (
    ALL_TAKEN, DETACHED, NAME_TAKEN, Full, HolderTable, Registered, holder_copy, holder_leave, holder_register,
    holders_last,
)
from pricecore.delivery.ring cimport Copied, ring_sequence
from pricecore.primitives.atomics cimport cas_acquire, store_release
from pricecore.primitives.segment cimport CURSOR_COUNT, FIGURE_NAME_BYTES

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import EngineClosedError, WrongProcessError

FULL = ("wait", "raise", "skip")        # in the order of enum Full
MOST_TIMEOUT_S = 1e9


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
