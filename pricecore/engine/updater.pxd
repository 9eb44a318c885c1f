"""Level 5: what writes single prices: the engine itself, and every handle of `writer()`."""

from pricecore.engine.publisher cimport Publisher


cdef class Updater(Publisher):
    pass
