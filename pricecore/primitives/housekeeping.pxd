"""One raw thread a process that calls registered functions once a second, without the GIL."""

ctypedef void (*Chore)(void* argument) noexcept nogil

cdef int chore_add(Chore chore, void* argument) except -1
cdef void chore_remove(void* argument) noexcept
