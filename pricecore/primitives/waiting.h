/* Sleeping until a 64-bit word in (perhaps shared) memory moves. Linux: a futex on its low half, which also
 * works on memory that is mapped read-only. Elsewhere: short sleeps.
 *
 * An event loop cannot sleep on a futex, but it can watch a file: inotify, Linux only. */
#ifndef PRICECORE_WAITING_H
#define PRICECORE_WAITING_H

#include <errno.h>
#include <stdint.h>

#include "atomics.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <time.h>
#endif
#if defined(__linux__)
#include <limits.h>
#include <linux/futex.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static inline void pc_nap(int64_t ns)
{
#if defined(_WIN32)
    Sleep((DWORD)((ns + 999999) / 1000000));
#else
    struct timespec left = {ns / 1000000000, ns % 1000000000};
    nanosleep(&left, 0);
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
    int64_t slept_ns = 0, nap_ns = 50000;
    while (pc_load_relaxed(word) == seen && slept_ns < timeout_ns) {
        pc_nap(nap_ns);
        slept_ns += nap_ns;
        nap_ns = nap_ns < 1000000 ? nap_ns + 50000 : nap_ns;
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

#define PC_RING_OFFSET 64 /* in the file of readers that wait: a byte that nobody reads */

/* Ring for whoever watches this file. It is as long as a page, so nothing has to be allocated. */
static inline void pc_ring(int descriptor)
{
#if defined(__linux__)
    if (pwrite(descriptor, "", 1, PC_RING_OFFSET) < 0)
        return; /* they look up by themselves, later */
#else
    (void)descriptor;
#endif
}

static inline void pc_forget_rings(int watch)
{
#if defined(__linux__)
    char events[4096];
    while (read(watch, events, sizeof events) == (ssize_t)sizeof events)
        ;
#else
    (void)watch;
#endif
}

/* Return a descriptor that becomes readable when somebody rings at the file of this path; -1 and errno: none. */
static inline int pc_watch(const char *path)
{
#if defined(__linux__)
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch >= 0 && inotify_add_watch(watch, path, IN_MODIFY) < 0) {
        int reason = errno;
        close(watch);
        errno = reason;
        return -1;
    }
    return watch;
#else
    (void)path;
    errno = ENOSYS;
    return -1;
#endif
}

#endif
