"""Level 5: the compiled engine under the Python class."""

from pricecore.engine.hotpath cimport Engine
from pricecore.engine.house cimport House
from pricecore.engine.registrar cimport Registrar
from pricecore.engine.subscription_figures cimport SubscriptionFigures
from pricecore.eventlog.engine_log cimport LogCore
from pricecore.primitives.pool cimport BufferPool
from pricecore.primitives.waiting cimport WaitRoom

cdef class EngineCore(Registrar):
    cdef Engine state
    cdef House house
    cdef BufferPool buffers
    cdef WaitRoom waits
    cdef readonly LogCore log
    cdef list cache_figures         # the housekeeping thread writes these two until house_end
    cdef SubscriptionFigures subscriptions
    cdef object __weakref__

    cdef void await_writers(self) noexcept nogil
    cdef int fit_out(self, object name, BufferPool pool, object opened) except -1
    cdef int begin_log(self, object opened, object options) except -1
    cdef bint is_bound(self) noexcept
    cdef void give_up(self) noexcept
    cdef void free_name(self) noexcept
    cdef int resume(self) except -1
    cdef int refuse_damage(self) except -1
    cdef int repair(self) except -1
    cdef int zero_counts(self) except -1
