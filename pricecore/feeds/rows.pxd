"""Level 6: the rows of a CSV table: which cell holds what, and the decoder and the clock of such rows."""

from libc.stdint cimport int64_t

from pricecore.feeds.cells cimport Cell
from pricecore.feeds.lines cimport Stamp
from pricecore.feeds.sink cimport Sink
from pricecore.feeds.timestamps cimport TimeReader

cdef enum:                          # Role: what a cell can hold
    ROLE_SYMBOL, ROLE_PRICE, ROLE_VOLUME, ROLE_BID, ROLE_ASK, ROLE_BID_SIZE, ROLE_ASK_SIZE, ROLE_CHANGE, ROLE_TIME
    ROLES

cdef enum:
    MAX_CELLS = 512
    NO_CELL = -1


cdef class Columns:
    cdef readonly int count         # cells of a row
    cdef readonly str delimiter
    cdef char separator
    cdef int[ROLES] places          # NO_CELL: no such column
    cdef double[ROLES] divisors     # a cell holds the number times this
    cdef readonly TimeReader times
    cdef readonly bint partial      # an absent side of a quote keeps the other's last value

    cdef int split(self, const char* row, Py_ssize_t size, Cell* cells, int limit) noexcept nogil


cdef class RowStamp(Stamp):
    cdef Columns columns


cdef class RowDecoder:
    cdef Sink sink
    cdef Columns columns
    cdef int headers                # rows still to be passed over
    cdef str symbol                 # of all rows, where no column names it
    cdef bytes last_symbol          # as the row before wrote it
    cdef object last_name
    cdef Cell[MAX_CELLS] cells

    cdef int hand_on(self) except -1
    cdef object name(self)
    cdef int number(self, int role, double* value) except -1
    cdef int64_t time_ns(self) except? -1
    cdef int trade(self, object name, int64_t time_ns) except -1
    cdef int quote(self, object name, int64_t time_ns) except -1
    cdef int side(self, int role, int size_role, double* price, double* size) except -1
