"""Level 5: the compiled engine under the Python class, and the handle of one writer thread."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from pricecore.engine.hotpath cimport Engine
from pricecore.primitives.clock cimport ClockKeeper
from pricecore.primitives.segment cimport Figure
from pricecore.engine.updater cimport Updater

cdef struct House:                  # what the housekeeping thread remembers between two seconds
    Engine* engine
    ClockKeeper keeper
    Figure* throughput
    Figure* cpu
    uint64_t processed
    int64_t steady_ns
    int64_t cpu_ns
    uint64_t ticks                  # seconds kept


cdef class EngineCore(Updater):
    cdef Engine state
    cdef House house
    cdef bint warned_of_room
    cdef object __weakref__

    cdef bint claim_waiting(self, uint64_t n, uint64_t* first) noexcept nogil
    cdef int keep_house(self) except -1
    cdef int repair(self) except -1
    cdef int warn_of_room(self) except -1
    cdef int32_t register_one(self, object symbol) except -1


cdef class Writer(Updater):
    cdef EngineCore core
    cdef int index
