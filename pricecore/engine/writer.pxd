"""Level 5: the handle of one writer thread."""

from pricecore.engine.batch_updater cimport BatchUpdater
from pricecore.engine.core cimport EngineCore


cdef class Writer(BatchUpdater):
    cdef EngineCore core

    cdef void give_back(self) noexcept
