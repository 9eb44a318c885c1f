"""Zeroed memory that begins on a cache line and shares none of its lines with another block.

Members declared aligned inside a `cdef class` are not aligned (the interpreter places the object), so every
structure here hangs on a pointer to such a block.
"""

from libc.stdint cimport SIZE_MAX, uintptr_t
from libc.stdlib cimport calloc, free

from pricecore.types cimport CACHE_LINE_BYTES


cdef inline size_t line_multiple(size_t size_bytes) noexcept nogil:
    """Round up to whole cache lines."""
    return (size_bytes + CACHE_LINE_BYTES - 1) // CACHE_LINE_BYTES * CACHE_LINE_BYTES


cdef inline void* aligned_zeroed(size_t size_bytes) noexcept nogil:
    """Return the block, or NULL when there is no memory for it; release it with `aligned_free`."""
    # calloc, not posix_memalign and memset: a big block stays the kernel's untouched zero pages. In front of
    # the block stands what calloc returned; the slack is one line to align and one to fill the last line.
    cdef size_t slack = sizeof(void*) + 2 * CACHE_LINE_BYTES
    cdef char* raw
    cdef char* block
    if size_bytes > SIZE_MAX - slack:
        return NULL
    raw = <char*> calloc(1, size_bytes + slack)
    if raw == NULL:
        return NULL
    block = raw + sizeof(void*)
    block += -<uintptr_t> block % CACHE_LINE_BYTES
    (<void**> block - 1)[0] = raw
    return block


cdef inline void aligned_free(void* block) noexcept nogil:
    """Release a block of `aligned_zeroed`; NULL is allowed."""
    if block != NULL:
        free((<void**> block - 1)[0])
