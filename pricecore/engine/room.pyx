"""Waiting for room in a ring that consumers hold. Contract: room.pxd."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.holding cimport FULL_WAIT, HolderTable, Slowest, holders_blocked, holders_waited
from pricecore.delivery.ring cimport ring_has_room
from pricecore.engine.hotpath cimport Engine, is_open
from pricecore.primitives.atomics cimport backoff
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns

cdef enum:
    SLICE_NS = 50_000_000           # between two looks at Ctrl-C


cdef void sleep_for_room(const Engine* engine, uint64_t n, int64_t until_ns) noexcept nogil:
    """Return when there is room, the engine closes, or it is late."""
    cdef unsigned tries = 0
    while not ring_has_room(&engine.ring, n) and is_open(engine) and clock_ns(CLOCK_STEADY) < until_ns:
        backoff(&tries)


cdef Room find_room(const Engine* engine, HolderTable table, uint64_t n, Patience* patience) except *:
    """Wait for room for n records as the slowest consumer says (`full`, `full_timeout_s`) and count the wait.

    Another writer may be faster and take it: then come again with the same patience. Raises what a signal raises.
    """
    cdef Slowest slowest
    cdef int64_t now_ns = clock_ns(CLOCK_STEADY), entered_ns = now_ns
    cdef Room room = ROOM_CLOSED
    if not patience.begun:
        patience.begun, patience.begun_ns = True, now_ns
    while is_open(engine):
        if not holders_blocked(&table.holders, n, &slowest):
            room = ROOM_FOUND
            break
        if slowest.full != FULL_WAIT or now_ns - patience.begun_ns >= slowest.timeout_ns:
            room = ROOM_REFUSED
            break
        with nogil:
            sleep_for_room(engine, n, min(now_ns + SLICE_NS, patience.begun_ns + slowest.timeout_ns))
        PyErr_CheckSignals()
        now_ns = clock_ns(CLOCK_STEADY)
    if now_ns != entered_ns:            # it did sleep
        holders_waited(&table.holders, now_ns - entered_ns)
    return room
