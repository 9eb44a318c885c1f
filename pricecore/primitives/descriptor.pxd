"""Level 1: an open file of the system, closed once, whoever closes it."""

cdef extern from *:
    """
    #if defined(_WIN32)
    #include <io.h>
    #define pc_close _close
    #else
    #include <unistd.h>
    #define pc_close close
    #endif
    """
    int close_file "pc_close" (int descriptor) noexcept nogil

cdef class Descriptor:
    cdef readonly int descriptor

    cdef void let_go(self) noexcept
