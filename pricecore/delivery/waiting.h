/* Sleeping until a 64-bit word in (perhaps shared) memory moves. Linux: a futex on its low half, which also
 * works on memory that is mapped read-only. Elsewhere: short sleeps. */
#ifndef PRICECORE_WAITING_H
#define PRICECORE_WAITING_H

#include <stdint.h>

#include "atomics.h"

#if defined(__linux__)
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

/* The claim of a ticket is a read-modify-write, on x86-64 a full barrier: what is loaded after it is loaded after it.
 * Other processors may load earlier than their own claim is seen. */
static inline void pc_fence_behind_claim(void)
{
#if defined(__x86_64__) && !defined(_MSC_VER)
    __asm__ __volatile__("" ::: "memory");
#elif defined(_MSC_VER) && !defined(__clang__)
    MemoryBarrier();
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Store and then load, in this order for every observer. */
static inline uint64_t pc_exchange_seq_cst(uint64_t *word, uint64_t value)
{
#if defined(_MSC_VER) && !defined(__clang__)
    return (uint64_t)_InterlockedExchange64((volatile __int64 *)word, (__int64)value);
#else
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
#endif
}

/* Sleep at most timeout_ns while the word is `seen`. May return early for no reason. */
static inline void pc_sleep_while(const uint64_t *word, uint64_t seen, int64_t timeout_ns)
{
#if defined(__linux__)
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    const uint32_t *low = (const uint32_t *)word;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    low += 1;
#endif
    syscall(SYS_futex, low, FUTEX_WAIT, (uint32_t)seen, &timeout, (void *)0, 0);
#else
    unsigned tries = 128;               /* past spinning: pc_backoff sleeps */
    int64_t slept_ns = 0;
    while (pc_load_relaxed(word) == seen && slept_ns < timeout_ns) {
        pc_backoff(&tries);
        slept_ns += 50000;
    }
#endif
}

static inline void pc_wake_all(const uint64_t *word)
{
#if defined(__linux__)
    const uint32_t *low = (const uint32_t *)word;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    low += 1;
#endif
    syscall(SYS_futex, low, FUTEX_WAKE, INT_MAX, (void *)0, (void *)0, 0);
#else
    (void)word;
#endif
}

#endif
