"""Level 5: what becomes of an update that is not simply stored: it meets other writers, finds no room, is refused."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint64_t

from pricecore.delivery.holding cimport HolderTable
from pricecore.engine.hotpath cimport Meter, Outcome
from pricecore.engine.reader cimport Reader
from pricecore.engine.room cimport Patience
from pricecore.types cimport Record


cdef class Publisher(Reader):
    cdef Meter meter
    cdef HolderTable holders
    cdef bint raise_bad
    cdef int index                  # of our writer handle; 0: the engine's own

    cdef int wake_to_write(self) except -1
    cdef int begin_update(self) except -1
    cdef void count_event(self, uint64_t* word) noexcept
    cdef object publish_shared(self, Record* record, bint partial, uint64_t begin, PyObject** given)
    cdef object not_stored(self, Outcome outcome, Record* record, bint partial, PyObject** given)
    cdef bint await_room(self, uint64_t n, Patience* patience) except -1
    cdef Outcome publish_when_room(self, Record* record, bint partial) except *
    cdef object refuse(self, int reason, int kind, PyObject** given)
    cdef object error_of(self, int reason, object symbol, dict values)
    cdef int32_t add_symbol(self, object symbol, int* reason, uint64_t* ticket, bint patient) except -2
