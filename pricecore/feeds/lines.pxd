"""Level 6: the lines of a source with their times, cut out of its chunks without the GIL and without a copy."""

from libc.stdint cimport int64_t


cdef class Stamp:
    # Moves line and size to the message behind the time of the line, and returns the time; `before` when it has none.
    cdef int64_t take_off(self, const char** line, Py_ssize_t* size, int64_t before) noexcept nogil


cdef class CaptureStamp(Stamp):
    pass


cdef class Lines:
    cdef object chunks                      # iterator of bytes
    cdef object damaged                     # callable or None
    cdef Stamp stamp
    cdef readonly int number                # of the source
    cdef bytes chunk                        # being cut; keeps `at` alive
    cdef const char* at
    cdef const char* end
    cdef bytearray head                     # start of a line whose end is still to come
    cdef bytes joined                       # a line that began in an earlier chunk
    cdef bint dropping                      # that line is too long
    cdef bint ended
    # The current line, valid until the next `advance`:
    cdef const char* message
    cdef Py_ssize_t size
    cdef int64_t time_ns

    cdef bint next_in_chunk(self) noexcept nogil
    cdef int refill(self) except -1
    cdef int finish(self) except -1
    cdef int keep(self, const char* part, Py_ssize_t size) except -1
    cdef int accept_kept(self) except -1
    cdef void accept(self, const char* line, Py_ssize_t size) noexcept nogil
