"""One thread waits, another wakes it, both without the GIL; what is waited for is a condition of their own.

Source: the event count of Dekker's kind, with one waiter; ours.
Contract: `park_announce`, then look at the condition once more, then `park` or `park_cancel`. A thread that has made
the condition true calls `park_wake`: the waiter then either sees the condition when it looks, or is woken.
Progress: `park_wake` never waits. `park` waits until it is woken, a signal comes or its time is up.
Invariants: `lock` is held while nobody is being woken: it is a flag that can be waited for. It is released once for
each announcement that a wake took back, and that waiter acquires it again.
Orderings: announcement and wake are both read-modify-writes of `waiting` (acquire and release), so one comes first.
Announcement first: the wake sees it. Wake first: the announcement continues its release, and what the waking thread
wrote before it, the condition, is visible to the look that follows.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport cas_acq_rel, fetch_or_acq_rel

cdef extern from "pythread.h" nogil:
    # Cython's own declarations of these ask for the GIL.
    ctypedef void* PyThread_type_lock
    int PY_LOCK_ACQUIRED
    int NOWAIT_LOCK
    int WAIT_LOCK
    PyThread_type_lock PyThread_allocate_lock() noexcept
    void PyThread_free_lock(PyThread_type_lock lock) noexcept
    int PyThread_acquire_lock(PyThread_type_lock lock, int wait) noexcept
    int PyThread_acquire_lock_timed(PyThread_type_lock lock, long long timeout_us, int ends_on_signals) noexcept
    void PyThread_release_lock(PyThread_type_lock lock) noexcept

cdef struct Parking:
    uint64_t waiting                # 1: announced
    PyThread_type_lock lock


cdef inline bint parking_new(Parking* parking) noexcept nogil:
    parking.waiting = 0
    parking.lock = PyThread_allocate_lock()
    return parking.lock != NULL and PyThread_acquire_lock(parking.lock, NOWAIT_LOCK) != 0


cdef inline void parking_free(Parking* parking) noexcept nogil:
    if parking.lock != NULL:
        PyThread_release_lock(parking.lock)
        PyThread_free_lock(parking.lock)


cdef inline bint announcement_seen(Parking* parking) noexcept nogil:
    # True: the waiter has announced itself. False: when it does, it sees what we wrote (pairs with park_announce).
    return fetch_or_acq_rel(&parking.waiting, 0) != 0


cdef inline bint announcement_taken(Parking* parking) noexcept nogil:
    # True for one of waker and waiter: who takes the announcement back decides how the wait ends.
    cdef uint64_t announced = 1
    return cas_acq_rel(&parking.waiting, &announced, 0)


cdef inline void park_announce(Parking* parking) noexcept nogil:
    # What was written before a wake that came earlier is visible from here on (pairs with announcement_seen).
    fetch_or_acq_rel(&parking.waiting, 1)


cdef inline void park_cancel(Parking* parking) noexcept nogil:
    if not announcement_taken(parking):
        PyThread_acquire_lock(parking.lock, WAIT_LOCK)  # the waker has it: its release is there or comes at once


cdef inline void park(Parking* parking, int64_t timeout_us) noexcept nogil:
    if PyThread_acquire_lock_timed(parking.lock, timeout_us, 1) != PY_LOCK_ACQUIRED:
        park_cancel(parking)


cdef inline void park_wake(Parking* parking) noexcept nogil:
    if announcement_seen(parking) and announcement_taken(parking):
        PyThread_release_lock(parking.lock)
