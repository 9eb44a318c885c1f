"""Reading a file at an offset into memory of our own. A mapping would kill the process (SIGBUS) when somebody cuts the
file or the disk fails; a read returns fewer bytes or an error."""

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #if defined(_WIN32)
    #include <io.h>
    static int64_t pc_read_once(int descriptor, char *into, uint64_t bytes, uint64_t offset)
    {
        if (_lseeki64(descriptor, (int64_t)offset, 0) < 0)
            return -1;
        return _read(descriptor, into, bytes > (1u << 30) ? 1u << 30 : (unsigned)bytes);
    }
    #else
    #include <unistd.h>
    static int64_t pc_read_once(int descriptor, char *into, uint64_t bytes, uint64_t offset)
    {
        return pread(descriptor, into, bytes > (1u << 30) ? 1u << 30 : bytes, (off_t)offset);
    }
    #endif
    /* Returns how many bytes there were, fewer at the end of the file; or minus the errno. */
    static int64_t pc_read_at(int descriptor, void *into, uint64_t bytes, uint64_t offset)
    {
        uint64_t done = 0;
        while (done < bytes) {
            int64_t got = pc_read_once(descriptor, (char *)into + done, bytes - done, offset + done);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return -(int64_t)errno;
            if (got == 0)
                break;
            done += (uint64_t)got;
        }
        return (int64_t)done;
    }
    """
    int64_t read_at "pc_read_at" (int descriptor, void* into, uint64_t bytes, uint64_t offset) noexcept nogil
