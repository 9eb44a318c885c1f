"""Level 5: the compiled engine under the Python class."""

from libc.stdint cimport int32_t, uint64_t

from pricecore.engine.hotpath cimport Engine
from pricecore.engine.house cimport House
from pricecore.engine.updater cimport Updater
from pricecore.primitives.pool cimport BufferPool
from pricecore.primitives.waiting cimport WaitRoom

cdef class EngineCore(Updater):
    cdef Engine state
    cdef House house
    cdef BufferPool buffers
    cdef WaitRoom waits
    cdef bint warned_of_room
    cdef object __weakref__

    cdef int32_t add_at_once(self, object symbol, int* reason, uint64_t* ticket) except -2
    cdef bint claim_waiting(self, uint64_t n, uint64_t* first) noexcept nogil
    cdef int32_t publish_symbol(self, const char* name, size_t length, uint64_t sequence) noexcept
    cdef void await_writers(self) noexcept nogil
    cdef int fit_out(self, object name, BufferPool pool) except -1
    cdef void give_up(self) noexcept
    cdef int resume(self) except -1
    cdef int refuse_damage(self) except -1
    cdef int repair(self) except -1
    cdef int zero_counts(self) except -1
    cdef int warn_of_room(self) except -1
    cdef int32_t register_one(self, object symbol) except -1
