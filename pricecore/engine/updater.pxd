"""Level 5: what writes single prices: the engine itself, and every handle of `writer()`."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint64_t

from pricecore.delivery.holding cimport HolderTable
from pricecore.engine.hotpath cimport Meter, Outcome
from pricecore.engine.reader cimport Reader
from pricecore.engine.room cimport Patience
from pricecore.types cimport Record


cdef class Updater(Reader):
    cdef Meter meter
    cdef HolderTable holders
    cdef bint raise_bad

    cdef int wake_to_write(self) except -1
    cdef int begin_update(self) except -1
    cdef void count_event(self, uint64_t* word) noexcept
    cdef object refuse(self, int reason, object symbol, dict values)
    cdef object error_of(self, int reason, object symbol, dict values)
    cdef object not_stored(self, Outcome outcome, Record* record, bint partial, object symbol, dict values)
    cdef object publish_shared(self, Record* record, bint partial, uint64_t begin, PyObject** given)
    cdef bint await_room(self, uint64_t n, Patience* patience) except -1
    cdef Outcome publish_when_room(self, Record* record, bint partial) except *
    cdef int32_t add_symbol(self, object symbol, int* reason, uint64_t* ticket, bint patient) except -2
