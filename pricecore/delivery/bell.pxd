"""Level 3: waking an event loop. It watches a file that the writer rings at; waiting.pxd says who sees what."""

from pricecore.primitives.waiting cimport WaitRoom

cdef class Bell:
    cdef WaitRoom waits
    cdef int descriptor
    cdef list waiting               # futures
