"""Level 6: times as text, read without the GIL: no object, no float in between."""

from libc.stdint cimport int64_t

cdef enum:                          # how reading went
    TIME_OK = 0
    TIME_UNREADABLE = 1             # neither a number nor ISO 8601
    TIME_TOO_SMALL = 2              # for an epoch time of unknown unit
    TIME_NO_CALENDAR_DAY = 3
    TIME_OVERFLOW = 4               # does not fit nanoseconds of 64 bits
    TIME_BEYOND_DAY = 5             # a time of the day that is none

cdef enum:
    UNIT_BY_SIZE = -1
    MAX_OFFSETS = 512               # changes of a zone's offset

cdef struct Offset:
    int64_t from_wall_s
    int64_t ahead_s


cdef class TimeReader:
    cdef int unit_power             # one unit is 10 ** unit_power ns; UNIT_BY_SIZE: told from the number
    cdef readonly bint of_day       # numbers count from midnight
    cdef readonly bint dated        # midnight of which day is known
    cdef int64_t midnight_s         # on the wall clock of the zone
    cdef int offsets
    cdef Offset[MAX_OFFSETS] table  # of the zone, for times that name none

    cdef int64_t read(self, const char* text, Py_ssize_t size, int* outcome) noexcept nogil
    cdef int64_t number(self, const char* text, Py_ssize_t size, int* outcome) noexcept nogil
    cdef int64_t iso(self, const char* text, Py_ssize_t size, int* outcome) noexcept nogil
    cdef int64_t utc_s(self, int64_t wall_s) noexcept nogil


cdef object time_error(const char* text, Py_ssize_t size, int outcome)
