"""`engine.writer()`: counters and a latency window of its own for a thread that writes."""

cimport cython
from libc.stdint cimport int32_t, uint64_t

from pricecore.engine.closing cimport begin_short, end_short
from pricecore.engine.hotpath cimport meter_of


@cython.no_gc_clear             # as Reader: the engine outlives its handles
cdef class Writer(BatchUpdater):
    """A writer thread's own handle of an engine: the same update methods, counters and window of its own.

    Threads: meant for one; used by several it stays correct, but they share its counters.
    """

    def __cinit__(self, EngineCore core not None):
        core.begin_update()
        self.index = max(core.segment.claim_handle(), 0)
        end_short(core.engine, core.index)
        self.core = core
        self.engine = core.engine
        self.segment = core.segment
        self.symbol_table = core.symbol_table
        self.holders = core.holders
        self.raise_bad = core.raise_bad
        self.meter = meter_of(core.engine, self.index)

    def __dealloc__(self):
        self.give_back()

    cdef void give_back(self) noexcept:
        # Closed, the segment may be the next writer's by now; in a forked child of a named engine it is the parent's.
        cdef int index = self.index
        self.index = 0
        if index > 0 and begin_short(self.engine, index):
            self.segment.release_handle(index)
            end_short(self.engine, index)

    cdef int wake(self) except -1:
        return self.core.wake()

    cdef int wake_to_write(self) except -1:
        return self.core.wake_to_write()

    cdef int32_t add_symbol(self, object symbol, int* reason, uint64_t* ticket, bint patient) except -2:
        return self.core.add_symbol(symbol, reason, ticket, patient)

    def close(self):
        """Give the handle back; later updates count on the engine's own."""
        with cython.critical_section(self):     # of two threads one gives it back
            if self.index > 0:
                self.meter = meter_of(self.engine, 0)
                self.give_back()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
