"""Atomic 64-bit words with the memory order in the name. The words are plain, naturally aligned uint64_t.

An algorithm does not call these in its body: it wraps each under a name that says what the observer sees
and which access it pairs with. `owned_add` is for words that have one writer at a time.
"""

from libc.stdint cimport uint64_t

cdef extern from "atomics.h" nogil:
    uint64_t load_relaxed "pc_load_relaxed" (const uint64_t* word) noexcept
    uint64_t load_acquire "pc_load_acquire" (const uint64_t* word) noexcept
    void store_relaxed "pc_store_relaxed" (uint64_t* word, uint64_t value) noexcept
    void store_release "pc_store_release" (uint64_t* word, uint64_t value) noexcept
    uint64_t fetch_add_relaxed "pc_fetch_add_relaxed" (uint64_t* word, uint64_t n) noexcept
    uint64_t fetch_or_acq_rel "pc_fetch_or_acq_rel" (uint64_t* word, uint64_t bits) noexcept
    # Compare and swap: True when done; else *expected holds the word that stood there.
    bint cas_acq_rel "pc_cas_acq_rel" (uint64_t* word, uint64_t* expected, uint64_t desired) noexcept
    bint cas_acquire "pc_cas_acquire" (uint64_t* word, uint64_t* expected, uint64_t desired) noexcept
    bint cas_relaxed "pc_cas_relaxed" (uint64_t* word, uint64_t* expected, uint64_t desired) noexcept
    uint64_t exchange_seq_cst "pc_exchange_seq_cst" (uint64_t* word, uint64_t value) noexcept
    void fence_behind_rmw "pc_fence_behind_rmw" () noexcept
    void fence_acquire "pc_fence_acquire" () noexcept
    void fence_release "pc_fence_release" () noexcept
    # Words 1 to 7 of a 64-byte record, each relaxed.
    void store_payload "pc_store_payload" (uint64_t* to, const uint64_t* source) noexcept
    void store_seven "pc_store_seven" (
        uint64_t* to, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4, uint64_t w5, uint64_t w6, uint64_t w7
    ) noexcept
    void load_payload "pc_load_payload" (uint64_t* to, const uint64_t* source) noexcept
    void backoff "pc_backoff" (unsigned* tries) noexcept
    bint likely "pc_likely" (bint condition) noexcept
    bint unlikely "pc_unlikely" (bint condition) noexcept

cdef extern from *:
    """
    /* Words of a writer handle have one writer at a time: under the GIL whoever holds it, so a plain
     * read, add and write loses nothing. A free-threaded interpreter has no such owner. */
    #include "atomics.h"
    #include "Python.h"
    #if defined(Py_GIL_DISABLED)
    #define PC_FREE_THREADED 1
    #define pc_owned_add(word, n) pc_fetch_add_relaxed((word), (n))
    #else
    #define PC_FREE_THREADED 0
    static inline uint64_t pc_owned_add(uint64_t *word, uint64_t n)
    {
        uint64_t before = pc_load_relaxed(word);
        pc_store_relaxed(word, before + n);
        return before;
    }
    #endif
    """
    const bint FREE_THREADED "PC_FREE_THREADED"
    uint64_t owned_add "pc_owned_add" (uint64_t* word, uint64_t n) noexcept nogil
