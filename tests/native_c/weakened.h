/* An order less, while the program runs: each mistake that weakens one kind of access wherever structures make it.
 *
 * Included before all else (gcc -include), so that every access of the structures goes through here.
 */
#ifndef PRICECORE_WEAKENED_H
#define PRICECORE_WEAKENED_H

#include "atomics.h"

enum { NO_RELEASE = 1, NO_ACQUIRE = 2, NO_ORDER_IN_SWAP = 3, SWAP_IN_TWO_STEPS = 4 };

static int pc_mistake;          /* 0: none */

static inline int pc_swap_in_two_steps(uint64_t *word, uint64_t *expected, uint64_t desired)
{
    uint64_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if (seen != *expected) {
        *expected = seen;
        return 0;
    }
    sched_yield();
    __atomic_store_n(word, desired, __ATOMIC_RELEASE);
    return 1;
}

static inline void pc_weak_store(uint64_t *word, uint64_t value)
{
    if (pc_mistake == NO_RELEASE)
        pc_store_relaxed(word, value);
    else
        pc_store_release(word, value);
}

static inline uint64_t pc_weak_load(const uint64_t *word)
{
    return pc_mistake == NO_ACQUIRE ? pc_load_relaxed(word) : pc_load_acquire(word);
}

static inline int pc_weak_swap(uint64_t *word, uint64_t *expected, uint64_t desired)
{
    if (pc_mistake == SWAP_IN_TWO_STEPS)
        return pc_swap_in_two_steps(word, expected, desired);
    if (pc_mistake == NO_ORDER_IN_SWAP)
        return pc_cas_relaxed(word, expected, desired);
    return pc_cas_acq_rel(word, expected, desired);
}

static inline int pc_weak_claim(uint64_t *word, uint64_t *expected, uint64_t desired)
{
    if (pc_mistake == SWAP_IN_TWO_STEPS)
        return pc_swap_in_two_steps(word, expected, desired);
    return pc_cas_relaxed(word, expected, desired);
}

#define pc_store_release pc_weak_store
#define pc_load_acquire pc_weak_load
#define pc_cas_acq_rel pc_weak_swap
#define pc_cas_relaxed pc_weak_claim

#endif
