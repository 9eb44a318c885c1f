"""Level 1: a list that threads only add to, each entry before those that stand there, and walk without a lock.

Source      Treiber's stack (1986) without its pop, and so without the trouble of an entry that comes back.
Contract    the head and each entry's `next` are pointers, passed as words. An entry is complete but for `next` when it
            is added; it stays, unchanged there, as long as the list is walked.
Progress    walking is wait-free, adding lock-free.
Orderings   pushed_first (acquire) pairs with push (release): an entry that is seen is complete, and those behind it.
"""

from libc.stdint cimport uint64_t

from pricecore.primitives.atomics cimport cas_acq_rel, load_acquire


cdef inline void* pushed_first(const uint64_t* head) noexcept nogil:
    """Return the entry that was added last; NULL: there is none."""
    return <void*>load_acquire(head)


cdef inline void push(uint64_t* head, uint64_t* next, void* entry) noexcept nogil:
    cdef uint64_t first = load_acquire(head)
    next[0] = first
    while not cas_acq_rel(head, &first, <uint64_t>entry):
        next[0] = first
