/* The processor's counter, and one product of 64 by 64 bits with a shift.
 *
 * pc_counter() is rdtsc on x86-64; elsewhere it does not exist and the clock falls back to
 * clock_gettime, as it does where the counter is not constant and non-stop.
 */
#ifndef PRICECORE_CLOCK_H
#define PRICECORE_CLOCK_H

#include <stdint.h>
#include <time.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define PC_HAS_COUNTER 1
static __forceinline uint64_t pc_counter(void) { return __rdtsc(); }
static __forceinline uint64_t pc_scale(uint64_t ticks, uint64_t scale)
{
    uint64_t high, low = _umul128(ticks, scale, &high);
    return __shiftright128(low, high, 40);
}
static inline int pc_counter_is_invariant(void)
{
    int r[4];
    __cpuid(r, (int)0x80000000);
    if ((unsigned)r[0] < 0x80000007u)
        return 0;
    __cpuid(r, (int)0x80000007);
    return (r[3] >> 8) & 1;
}
#else
/* ticks * scale / 2^40, exact in 128 bits: scale is ns a tick times 2^40. */
static inline __attribute__((always_inline)) uint64_t pc_scale(uint64_t ticks, uint64_t scale)
{
    return (uint64_t)(((unsigned __int128)ticks * scale) >> 40);
}
#if defined(__x86_64__)
#include <cpuid.h>
#define PC_HAS_COUNTER 1
static inline __attribute__((always_inline)) uint64_t pc_counter(void) { return __builtin_ia32_rdtsc(); }
/* Leaf 0x80000007, EDX bit 8: the counter runs at one rate in every power state. */
static inline int pc_counter_is_invariant(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) && ((d >> 8) & 1);
}
#else
#define PC_HAS_COUNTER 0
static inline uint64_t pc_counter(void) { return 0; }
static inline int pc_counter_is_invariant(void) { return 0; }
#endif
#endif

static inline int64_t pc_clock_ns(int which)
{
    struct timespec t;
#if defined(_WIN32)
    (void)which;
    timespec_get(&t, TIME_UTC);
#else
    clock_gettime((clockid_t)which, &t);
#endif
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
#if defined(_WIN32)
#define PC_WALL 0
#define PC_MONOTONIC 0
#define PC_PROCESS_CPU 0
#else
#define PC_WALL CLOCK_REALTIME
#define PC_MONOTONIC CLOCK_MONOTONIC
#define PC_PROCESS_CPU CLOCK_PROCESS_CPUTIME_ID
#endif

#endif
