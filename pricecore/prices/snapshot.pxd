"""A snapshot: the latest price and quote of every symbol, a row each."""

from libc.stdint cimport int32_t

from pricecore.prices.slot cimport Slot


cdef object snapshot_of(Slot* slots, int32_t count)
