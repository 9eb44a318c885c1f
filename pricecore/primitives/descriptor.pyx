"""A descriptor that several threads, and a signal handler in the midst of it, may close."""

cimport cython


cdef class Descriptor:
    """An open file of the system; -1 once closed.

    Threads: any. Cost: a descriptor.
    """

    def __cinit__(self, *_, **__):
        self.descriptor = -1

    def __init__(self, int descriptor):
        self.descriptor = descriptor

    def __dealloc__(self):
        if self.descriptor >= 0:
            close_file(self.descriptor)

    cdef void let_go(self) noexcept:
        """Close it. No Python runs between, and nobody else: who finds -1 finds the file closed, and its lock gone."""
        cdef int descriptor
        with cython.critical_section(self):
            descriptor = self.descriptor
            self.descriptor = -1
            if descriptor >= 0:
                close_file(descriptor)

    def close(self):
        """Close it; a second call does nothing. Threads: any. Cost: one system call, with the GIL."""
        self.let_go()
