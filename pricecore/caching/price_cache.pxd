"""Level 3: `PriceCache`, the class that people use. C code gets and puts by quick_get and quick_put of store.pxd."""

from pricecore.caching.core cimport Removed
from pricecore.caching.mapping cimport CacheMapping


cdef class PriceCache(CacheMapping):
    pass


cdef class Departed:
    cdef PriceCache cache
    cdef Removed removed
