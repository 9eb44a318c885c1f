/* Loaded before the system's library: clocks that a test steps, and lets run faster or slower. */
#define _GNU_SOURCE
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

static int64_t step_ns;         /* the wall clock is so far ahead */
static int64_t drift_ppm;       /* wall and steady clock run so much faster than the processor's counter */
static int64_t drift_from_ns;   /* from this moment of the steady clock on */

static int64_t real_ns(clockid_t which)
{
    struct timespec t;
    syscall(SYS_clock_gettime, which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void odd_clock_step(int64_t ns)
{
    __atomic_fetch_add(&step_ns, ns, __ATOMIC_RELAXED);
}

/* Call once: a second rate would make the steady clock jump. */
void odd_clock_drift(int64_t ppm)
{
    __atomic_store_n(&drift_from_ns, real_ns(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
    __atomic_store_n(&drift_ppm, ppm, __ATOMIC_RELEASE);
}

int clock_gettime(clockid_t which, struct timespec *t)
{
    int64_t ppm = __atomic_load_n(&drift_ppm, __ATOMIC_ACQUIRE), ns;
    if (which != CLOCK_REALTIME && which != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, which, t);
    ns = real_ns(which);
    if (ppm != 0)
        ns += (real_ns(CLOCK_MONOTONIC) - __atomic_load_n(&drift_from_ns, __ATOMIC_RELAXED)) / 1000000 * ppm;
    if (which == CLOCK_REALTIME)
        ns += __atomic_load_n(&step_ns, __ATOMIC_RELAXED);
    t->tv_sec = ns / 1000000000;
    t->tv_nsec = ns % 1000000000;
    return 0;
}
