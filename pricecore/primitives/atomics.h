/* Atomic words with the order in the name, for any plain uint64_t or uint32_t that is naturally aligned.
 *
 * Every function says its memory order; there is no default. An algorithm wraps these once more under a
 * name that says what the observer sees. x86-64: loads and stores are plain moves, read-modify-writes
 * carry a lock prefix. Compilers: gcc and clang through their builtins; MSVC (experimental, not yet run)
 * through Interlocked intrinsics, which are at least as strong as asked.
 */
#ifndef PRICECORE_ATOMICS_H
#define PRICECORE_ATOMICS_H

#include <stdint.h>

#include "steps.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <windows.h>
#include <intrin.h>
#define PC_INLINE static __forceinline
#define pc_compiler_barrier() _ReadWriteBarrier()
PC_INLINE uint64_t pc_load_relaxed(const uint64_t *p) { return *(const volatile uint64_t *)p; }
PC_INLINE uint64_t pc_load_acquire(const uint64_t *p)
{
    uint64_t v = *(const volatile uint64_t *)p;
    _ReadWriteBarrier();
    return v;
}
PC_INLINE void pc_store_relaxed(uint64_t *p, uint64_t v) { *(volatile uint64_t *)p = v; }
PC_INLINE void pc_store_release(uint64_t *p, uint64_t v)
{
    _ReadWriteBarrier();
    *(volatile uint64_t *)p = v;
}
PC_INLINE uint64_t pc_fetch_add_relaxed(uint64_t *p, uint64_t n)
{
    return (uint64_t)_InterlockedExchangeAdd64((volatile __int64 *)p, (__int64)n);
}
PC_INLINE uint64_t pc_fetch_or_acq_rel(uint64_t *p, uint64_t bits)
{
    return (uint64_t)_InterlockedOr64((volatile __int64 *)p, (__int64)bits);
}
PC_INLINE int pc_cas_acq_rel(uint64_t *p, uint64_t *expected, uint64_t desired)
{
    uint64_t seen = (uint64_t)_InterlockedCompareExchange64((volatile __int64 *)p, (__int64)desired, (__int64)*expected);
    int done = seen == *expected;
    *expected = seen;
    return done;
}
#define pc_cas_acquire pc_cas_acq_rel
#define pc_cas_relaxed pc_cas_acq_rel
PC_INLINE void pc_fence_acquire(void) { _ReadWriteBarrier(); }
PC_INLINE void pc_fence_release(void) { _ReadWriteBarrier(); }
PC_INLINE void pc_pause(void) { _mm_pause(); }
#define pc_likely(x) (x)
#define pc_unlikely(x) (x)

#else /* gcc, clang */
#define PC_INLINE static inline __attribute__((always_inline))
PC_INLINE uint64_t pc_load_relaxed(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
PC_INLINE uint64_t pc_load_acquire(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
PC_INLINE void pc_store_relaxed(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
PC_INLINE void pc_store_release(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
PC_INLINE uint64_t pc_fetch_add_relaxed(uint64_t *p, uint64_t n) { return __atomic_fetch_add(p, n, __ATOMIC_RELAXED); }
PC_INLINE uint64_t pc_fetch_or_acq_rel(uint64_t *p, uint64_t bits)
{
    return __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL);
}
/* On failure *expected holds the word that stood there. */
PC_INLINE int pc_cas_acq_rel(uint64_t *p, uint64_t *expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, expected, desired, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
PC_INLINE int pc_cas_acquire(uint64_t *p, uint64_t *expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, expected, desired, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
PC_INLINE int pc_cas_relaxed(uint64_t *p, uint64_t *expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, expected, desired, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
PC_INLINE void pc_fence_acquire(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
PC_INLINE void pc_fence_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }
PC_INLINE void pc_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}
#define pc_likely(x) __builtin_expect(!!(x), 1)
#define pc_unlikely(x) __builtin_expect(!!(x), 0)
#endif

/* Words 1 to 7 of a 64-byte record, each relaxed: whole words, in no promised order. Written out, since
 * compilers do not unroll loops of atomic accesses. */
PC_INLINE void pc_store_seven(
    uint64_t *to, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4, uint64_t w5, uint64_t w6, uint64_t w7)
{
    pc_store_relaxed(to + 1, w1);
    pc_store_relaxed(to + 2, w2);
    pc_store_relaxed(to + 3, w3);
    PC_STEP(PAYLOAD_HALF);
    pc_store_relaxed(to + 4, w4);
    pc_store_relaxed(to + 5, w5);
    pc_store_relaxed(to + 6, w6);
    pc_store_relaxed(to + 7, w7);
}
PC_INLINE void pc_store_payload(uint64_t *to, const uint64_t *from)
{
    pc_store_seven(to, from[1], from[2], from[3], from[4], from[5], from[6], from[7]);
}
PC_INLINE void pc_load_payload(uint64_t *to, const uint64_t *from)
{
    to[1] = pc_load_relaxed(from + 1);
    to[2] = pc_load_relaxed(from + 2);
    to[3] = pc_load_relaxed(from + 3);
    to[4] = pc_load_relaxed(from + 4);
    to[5] = pc_load_relaxed(from + 5);
    to[6] = pc_load_relaxed(from + 6);
    to[7] = pc_load_relaxed(from + 7);
}

#if !defined(_WIN32)
#include <sched.h>
#include <time.h>
#endif

/* Store, and load only then, in this order for every observer. */
static inline uint64_t pc_exchange_seq_cst(uint64_t *word, uint64_t value)
{
#if defined(_MSC_VER) && !defined(__clang__)
    return (uint64_t)_InterlockedExchange64((volatile __int64 *)word, (__int64)value);
#else
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
#endif
}

/* Behind a read-modify-write: what is loaded after it is loaded after it. On x86-64 the locked instruction itself is the
 * full barrier; other processors may load earlier than their own write is seen. */
static inline void pc_fence_behind_rmw(void)
{
#if defined(__x86_64__) && !defined(_MSC_VER)
    __asm__ __volatile__("" ::: "memory");
#elif defined(_MSC_VER) && !defined(__clang__)
    MemoryBarrier();
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Wait a little for another thread: spin, then give the processor away, then sleep 50 us at a time, so
 * that a writer who was descheduled in mid-write gets the core back even at a higher priority of ours. */
static inline void pc_backoff(unsigned *tries)
{
    unsigned t = ++*tries;
    if (t <= 64) {
        pc_pause();
        return;
    }
#if defined(_WIN32)
    SwitchToThread();
#else
    if (t <= 128) {
        sched_yield();
    } else {
        struct timespec nap = {0, 50000};
        nanosleep(&nap, 0);
    }
#endif
}

#endif
