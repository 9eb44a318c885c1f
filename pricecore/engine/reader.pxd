"""Level 5: everything that reads prices from a segment, for the engine and for views of it."""

from libc.stdint cimport int64_t

from pricecore.engine.hotpath cimport Engine
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.segment cimport Segment
from pricecore.types cimport Record


cdef class Reader:
    cdef Engine* engine
    cdef readonly Segment segment
    cdef SymbolTable symbol_table
    cdef bint moves                 # goes on to other segments: a view

    cdef int wake(self) except -1
    cdef bint latest(self, object symbol, int kind, Record* record) except -1
    cdef double find_price(self, object symbol) except? -1.0
    cdef int64_t now_ns(self) noexcept
