"""Level 1: a lock for a few words: whoever holds it runs no Python, waits for nothing, and lets go at once.

Contract    the word is 0 when nobody holds it; a forked child sets it to 0.
Orderings   spin_lock (acquire) pairs with spin_unlock (release): what was changed under the lock is seen under it.
"""

from libc.stdint cimport uint64_t

from pricecore.primitives.atomics cimport backoff, cas_acquire, store_release


cdef inline void spin_lock(uint64_t* word) noexcept nogil:
    cdef uint64_t free_word = 0
    cdef unsigned tries = 0
    while not cas_acquire(word, &free_word, 1):
        free_word = 0
        backoff(&tries)


cdef inline void spin_unlock(uint64_t* word) noexcept nogil:
    store_release(word, 0)
