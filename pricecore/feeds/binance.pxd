"""Level 6: the decoder of Binance, which is compiled because its messages are the most."""

from libc.stdint cimport uint64_t

from pricecore.feeds.flat_json cimport Flat
from pricecore.feeds.sequences cimport Series
from pricecore.feeds.sink cimport Sink


cdef class BinanceDecoder:
    cdef Sink sink
    cdef Series trade_ids
    cdef Series aggregate_ids
    cdef object decode_combined     # of an envelope as Binance writes it
    cdef object decode_bare         # of all else
    cdef object decode_list         # of lists, whose events stay bytes

    cdef int take(self, const Flat* event) except -1
    cdef int take_trade(self, const Flat* event, uint64_t known, char number_letter, Series numbers) except -1
    cdef int take_quote(self, const Flat* event) except -1
    cdef list events_of(self, bytes message)
    cdef int hand_on_all(self, list events) except -1
    cdef int hand_on_one(self, object raw) except -1
    cdef int hand_on(self, tuple event) except -1
    cdef int trade(self, tuple event, price, volume, time, change_24h) except -1
    cdef int quote(self, tuple event) except -1
