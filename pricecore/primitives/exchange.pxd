"""Level 1: two files of a folder exchange their names in one step, so that neither is ever missing."""

cdef extern from *:
    """
    #include <errno.h>
    #if defined(__linux__)
    #include <fcntl.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    /* RENAME_EXCHANGE is 2; by its number, because older C libraries lack the function. */
    static int pc_exchange(const char *one, const char *other)
    {
        return syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2u) == 0 ? 0 : errno;
    }
    #elif defined(__APPLE__)
    #include <stdio.h>
    static int pc_exchange(const char *one, const char *other)
    {
        return renamex_np(one, other, RENAME_SWAP) == 0 ? 0 : errno;
    }
    #else
    static int pc_exchange(const char *one, const char *other)
    {
        (void)one;
        (void)other;
        return ENOSYS;
    }
    #endif
    """
    int exchange "pc_exchange" (const char* one, const char* other) noexcept nogil  # 0, or errno
