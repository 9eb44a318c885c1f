"""Level 4: how a segment comes back to where its log ends."""

from pricecore.eventlog.applying cimport Target


cdef int restore_array(Target* target, object records, object where, object rest) except -1
