"""A conflating follower of an engine that does something between marking what is new and taking it."""

from pricecore.delivery.follower cimport Follower
from pricecore.engine.core cimport EngineCore


cdef class Hesitant(Follower):
    """Calls `between`, once it is set, where another thread may run without the GIL."""

    cdef public object between

    cdef int follow_changes(self) except -1:
        Follower.follow_changes(self)
        if self.between is not None:
            self.between()
        return 0

    def poll(self, n=1024):
        return self.take(n)


def hesitant(EngineCore engine not None):
    """Return a follower of this engine; the engine has to outlive it."""
    cdef Hesitant made = Hesitant(engine.segment, engine.symbol_table)
    made.follow(&engine.holders.holders.detached, &engine.holders.holders.last)
    return made
