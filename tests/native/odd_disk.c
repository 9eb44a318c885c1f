/* Loaded before the system's library: a disk whose syncs a test holds up or lets fail, file by file, and that remembers
 * how much of each file was synced: what a power cut would leave for certain. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES 512

struct file {
    uint64_t inode;
    int64_t synced_bytes;
    int syncs;
    int held;           /* syncs wait while it is set */
    int waiting;
    int error;          /* of the next syncs */
    int errors;         /* how many fail */
};

static struct file files[FILES];
static int short_writes;        /* every write takes this many bytes at the most; 0: all */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct file *file_of(uint64_t inode)
{
    for (int i = 0; i < FILES; i++) {
        if (files[i].inode == 0)
            files[i].inode = inode;
        if (files[i].inode == inode)
            return &files[i];
    }
    return &files[FILES - 1];
}

static int64_t locked(uint64_t inode, int field, int value, int count)
{
    pthread_mutex_lock(&lock);
    struct file *file = file_of(inode);
    int64_t answer = 0;
    if (field == 0)
        file->held = value;
    else if (field == 1)
        file->error = value, file->errors = count;
    else
        answer = field == 2 ? file->synced_bytes : field == 3 ? file->syncs : file->waiting;
    pthread_mutex_unlock(&lock);
    return answer;
}

void odd_disk_hold(uint64_t inode, int held) { locked(inode, 0, held, 0); }
void odd_disk_fail(uint64_t inode, int error, int count) { locked(inode, 1, error, count); }
int64_t odd_disk_synced_bytes(uint64_t inode) { return locked(inode, 2, 0, 0); }
int64_t odd_disk_syncs(uint64_t inode) { return locked(inode, 3, 0, 0); }
int64_t odd_disk_waiting(uint64_t inode) { return locked(inode, 4, 0, 0); }
void odd_disk_short_writes(int bytes) { __atomic_store_n(&short_writes, bytes, __ATOMIC_RELAXED); }

static int sync_file(int descriptor, long call)
{
    struct stat facts;
    struct timespec pause = {0, 1000000};
    fstat(descriptor, &facts);
    pthread_mutex_lock(&lock);
    struct file *file = file_of(facts.st_ino);
    file->syncs++;
    file->waiting++;
    while (file->held) {
        pthread_mutex_unlock(&lock);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
    }
    file->waiting--;
    if (file->errors) {
        file->errors--;
        errno = file->error;
        pthread_mutex_unlock(&lock);
        return -1;
    }
    pthread_mutex_unlock(&lock);
    int done = (int)syscall(call, descriptor);
    pthread_mutex_lock(&lock);
    if (done == 0 && facts.st_size > file->synced_bytes)
        file->synced_bytes = facts.st_size;
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    int most = __atomic_load_n(&short_writes, __ATOMIC_RELAXED);
    if (most == 0 || count == 0)
        return syscall(SYS_writev, descriptor, parts, count);
    struct iovec first = parts[0];
    if (first.iov_len > (size_t)most)
        first.iov_len = (size_t)most;
    return syscall(SYS_writev, descriptor, &first, 1);
}
