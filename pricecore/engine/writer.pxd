"""Level 5: the handle of one writer thread."""

from pricecore.engine.core cimport EngineCore
from pricecore.engine.updater cimport Updater


cdef class Writer(Updater):
    cdef EngineCore core
    cdef int index

    cdef void give_back(self) noexcept
