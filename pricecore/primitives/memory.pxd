"""Page-aligned memory of a segment: zeroed and our own, where untouched pages cost nothing, or that of a file."""

cdef extern from *:
    """
    #include <stddef.h>
    #if defined(_WIN32)
    #include <windows.h>
    static inline void *pc_map_private(size_t bytes)
    {
        return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    }
    static inline void *pc_map_file(int descriptor, size_t bytes, int writable)
    {
        (void)descriptor, (void)bytes, (void)writable;
        return NULL;        /* named segments are not there yet */
    }
    static inline void pc_unmap(void *start, size_t bytes)
    {
        (void)bytes;
        VirtualFree(start, 0, MEM_RELEASE);
    }
    #else
    #include <sys/mman.h>
    /* Private and anonymous: a forked child goes on with a copy of its own. */
    static inline void *pc_map_private(size_t bytes)
    {
        void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return start == MAP_FAILED ? NULL : start;
    }
    static inline void *pc_map_file(int descriptor, size_t bytes, int writable)
    {
        void *start = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, descriptor, 0);
        return start == MAP_FAILED ? NULL : start;
    }
    static inline void pc_unmap(void *start, size_t bytes) { munmap(start, bytes); }
    #endif
    """
    void* map_private "pc_map_private" (size_t bytes) noexcept nogil
    void* map_file "pc_map_file" (int descriptor, size_t bytes, bint writable) noexcept nogil
    void unmap "pc_unmap" (void* start, size_t bytes) noexcept nogil
