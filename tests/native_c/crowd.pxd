"""Threads of the C library that begin together, and what they share beside the structure under test.

Witnesses are plain words that a structure's orders must protect: one a sequence, written before its record is published
and read by whoever got that record; one a slot or cell, written by its owner of the moment. Of the structure's own
words, which are atomic, the thread sanitizer says nothing.
"""

from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free

from pricecore.primitives.atomics cimport backoff, fetch_add_relaxed, load_relaxed

cdef extern from "pthread.h" nogil:
    ctypedef unsigned long pthread_t
    int pthread_create(pthread_t*, const void*, void* (*)(void*) noexcept nogil, void*) noexcept
    int pthread_join(pthread_t, void**) noexcept

cdef enum:
    MOST_THREADS = 8

cdef struct Crowd:
    uint64_t size                   # threads
    uint64_t writers                # the first so many; each writes `count` records
    uint64_t count
    uint64_t arrived
    uint64_t at_work                # writers
    uint64_t reads
    uint64_t wrong
    uint64_t* written               # witnesses, by sequence
    uint64_t* owned                 # by slot or cell
    void* structure

ctypedef void (*Work)(Crowd*, uint64_t) noexcept nogil

cdef struct Member:
    Crowd* crowd
    Work work
    uint64_t index


cdef inline void meet(Crowd* crowd) noexcept nogil:
    """Begin together, by words that order nothing."""
    cdef unsigned tries = 0
    fetch_add_relaxed(&crowd.arrived, 1)
    while load_relaxed(&crowd.arrived) < crowd.size:
        backoff(&tries)


cdef inline void leave(Crowd* crowd) noexcept nogil:
    fetch_add_relaxed(&crowd.at_work, <uint64_t>-1)


cdef inline bint is_over(const Crowd* crowd) noexcept nogil:
    return load_relaxed(&crowd.at_work) == 0


cdef inline void tell(Crowd* crowd, uint64_t reads, uint64_t wrong) noexcept nogil:
    fetch_add_relaxed(&crowd.reads, reads)
    fetch_add_relaxed(&crowd.wrong, wrong)


cdef inline void* start(void* argument) noexcept nogil:
    cdef Member* member = <Member*>argument
    meet(member.crowd)
    member.work(member.crowd, member.index)
    return NULL


cdef inline bint run_crowd(Crowd* crowd, Work write, Work read) noexcept nogil:
    """Run writers and readers to their end; False: there is no memory or no thread for it."""
    cdef Member[MOST_THREADS] members
    cdef pthread_t[MOST_THREADS] threads
    cdef uint64_t i
    crowd.at_work = crowd.writers
    crowd.written = <uint64_t*>calloc(crowd.writers * crowd.count + 1, sizeof(uint64_t))
    crowd.owned = <uint64_t*>calloc(4096, sizeof(uint64_t))
    if crowd.written == NULL or crowd.owned == NULL:
        return False
    for i in range(crowd.size):
        members[i].crowd, members[i].index, members[i].work = crowd, i, read
        if i < crowd.writers:
            members[i].work = write
        if pthread_create(&threads[i], NULL, start, &members[i]):
            return False
    for i in range(crowd.size):
        pthread_join(threads[i], NULL)
    free(crowd.written)
    free(crowd.owned)
    return True
