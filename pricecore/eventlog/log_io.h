/* What the log's writer needs of the system, without the GIL: every function returns 0 or the error's number.
 *
 * Linux has all of it. macOS syncs data by a command of its own. Windows: none, the log says so when it is opened.
 */
#ifndef PRICECORE_LOG_IO_H
#define PRICECORE_LOG_IO_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
struct pc_part { void *iov_base; size_t iov_len; };
static inline int pc_create(int folder, const char *name, int *made) { (void)folder; (void)name; (void)made; return ENOSYS; }
static inline int pc_write_parts(int file, struct pc_part *parts, int n) { (void)file; (void)parts; (void)n; return ENOSYS; }
static inline int pc_sync_data(int file) { (void)file; return ENOSYS; }
static inline int pc_sync_folder(int folder) { (void)folder; return ENOSYS; }
static inline void pc_close_log_file(int file) { (void)file; }
static inline void pc_ring_event(int event) { (void)event; }
#include <process.h>
#define pc_process_id() ((int64_t)_getpid())
#else
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#define pc_part iovec
#define pc_process_id() ((int64_t)getpid())

/* A new file, for its owner alone; one of this name is an error. */
static inline int pc_create(int folder, const char *name, int *made)
{
    *made = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *made < 0 ? errno : 0;
}

/* All of it, or an error: the disk may have taken a part of it then. Moves `parts` on. */
static inline int pc_write_parts(int file, struct pc_part *parts, int n)
{
    while (n) {
        ssize_t written = writev(file, parts, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        if (written == 0)
            return ENOSPC;
        for (; n && (size_t)written >= parts->iov_len; parts++, n--)
            written -= (ssize_t)parts->iov_len;
        if (n) {
            parts->iov_base = (char *)parts->iov_base + written;
            parts->iov_len -= (size_t)written;
        }
    }
    return 0;
}

/* The data, and what is needed to find it. Never tried again: a second try may succeed without having written it. */
static inline int pc_sync_data(int file)
{
#if defined(__APPLE__)
    return fcntl(file, F_FULLFSYNC) < 0 ? errno : 0;
#else
    return fdatasync(file) < 0 ? errno : 0;
#endif
}

/* Names in a folder; a folder that cannot be synced (some network file systems) has nothing to sync. */
static inline int pc_sync_folder(int folder)
{
    return fsync(folder) < 0 && errno != EINVAL ? errno : 0;
}

static inline void pc_close_log_file(int file)
{
    close(file);
}

/* Make an eventfd readable. */
static inline void pc_ring_event(int event)
{
    uint64_t one = 1;
    if (write(event, &one, sizeof one) < 0)
        return;     /* its counter is full: it is readable */
}
#endif

#endif
