"""Level 5: how an engine comes back to where its log ends."""

from pricecore.engine.registrar cimport Registrar
from pricecore.eventlog.applying cimport Target, Verdict


cdef class Restorer(Registrar):
    cdef int restore(self, object snapshot, object blocks, object where) except -1
    cdef int restore_array(self, Target* target, object records, object where, object rest) except -1
