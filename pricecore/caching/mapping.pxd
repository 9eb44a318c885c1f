"""Level 3: the calls of a cache that concern many entries, and those that make it a mapping."""

from libc.stdint cimport int32_t, int64_t

from pricecore.caching.store cimport CacheStore
from pricecore.prices.lru cimport Lru
from pricecore.prices.wheel cimport Wheel

cdef enum:                          # what a list of entries is to hold
    LIST_KEYS = 0
    LIST_VALUES = 1
    LIST_ITEMS = 2


cdef class CacheMapping(CacheStore):
    cdef list listed(self, int what)
    cdef int release_block(self, Lru* block) except -1
    cdef void move_to(self, Lru* lru, Wheel* wheel, int64_t now_ns) noexcept nogil
    cdef int32_t oldest_to_keep(self, int32_t capacity, int64_t now_ns) noexcept nogil
