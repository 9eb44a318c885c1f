"""`PriceMap`: the latest trade of every symbol, for callers who want the store and nothing around it."""

import math

cimport cython
from libc.stdint cimport INT64_MAX, int32_t, uint64_t

from pricecore.prices.numbers cimport as_double, as_time
from pricecore.prices.snapshot cimport snapshot_of
from pricecore.prices.symbols cimport SymbolTable, name_count, name_find, symbol_find, symbol_name
from pricecore.prices.validation cimport trade_reason
from pricecore.primitives.atomics cimport unlikely
from pricecore.primitives.clock cimport CLOCK_WALL, clock_ns
from pricecore.primitives.segment cimport Segment, segment_at
from pricecore.types cimport REASON_SYMBOL_TABLE_FULL, REASON_TIME_OVERFLOW

from pricecore.errors import REASONS
from pricecore.prices.refusals import refusal
from pricecore.prices.results import PriceUpdate


@cython.final
cdef class PriceMap:
    """Latest trade by symbol, with the engine's rules and slots, but no stream, counters or latency.

    Parameters
    ----------
    max_symbols : int
        Places; rounded up to a power of two, at least 1,024.

    Threads: any. Cost: a read never waits for a writer; two writers of one symbol take turns.
    """

    def __cinit__(self, max_symbols=65_536):
        self.segment = Segment(max_symbols, 1024, 1, 1)
        self.symbol_table = SymbolTable(self.segment)
        self.slots = <Slot*>segment_at(&self.segment.layout, self.segment.layout.offsets.slots)
        self.rules.least_price = 0.0
        self.rules.max_future_ns = INT64_MAX

    cdef int32_t add_symbol(self, object symbol) except -1:
        """Give a new symbol an id; InvalidUpdateError says why it gets none."""
        cdef Py_ssize_t length = 0
        cdef const char* name
        cdef int32_t symbol_id
        symbol = str.__str__(symbol)
        cdef int reason = symbol_name(symbol, &name, &length)
        if reason:
            raise refusal(REASONS[reason], symbol, {})
        self.symbol_table.acquire()
        symbol_id = name_find(&self.symbol_table.names, name, length)
        if symbol_id < 0 and name_count(&self.symbol_table.names) < self.symbol_table.names.capacity:
            symbol_id = self.symbol_table.add(name, length, 0)
        self.symbol_table.release()
        if symbol_id < 0:
            raise refusal(REASONS[REASON_SYMBOL_TABLE_FULL], symbol, {})
        self.symbol_table.remember(symbol, symbol_id)
        return symbol_id

    def update(self, symbol, price, volume=0.0, timestamp_ns=0, change_24h=math.nan):
        """Make a trade the latest of its symbol; times are not compared.

        Parameters
        ----------
        symbol : str
        price, volume, change_24h : float
        timestamp_ns : int
            As `PriceEngine.update`.

        Raises
        ------
        InvalidUpdateError
            The update breaks a rule (``.reason``); nothing of it is visible.

        Threads: any. Cost: allocates nothing for a known symbol.
        """
        cdef Record trade
        cdef bint overflow = False
        cdef int reason
        cdef int32_t symbol_id
        trade.price = as_double(price, "price")
        trade.volume = as_double(volume, "volume")
        trade.change_24h = as_double(change_24h, "change_24h")
        trade.reserved = 0.0
        trade.timestamp_ns = as_time(timestamp_ns, &overflow)
        trade.received_ns = clock_ns(CLOCK_WALL)
        reason = trade_reason(
            trade.price, trade.volume, trade.change_24h, trade.timestamp_ns, trade.received_ns, &self.rules)
        if unlikely(overflow):
            reason = REASON_TIME_OVERFLOW
        if unlikely(reason != 0):
            raise refusal(REASONS[reason], symbol, {
                "price": price, "volume": volume, "timestamp_ns": timestamp_ns, "change_24h": change_24h})
        symbol_id = symbol_find(self.symbol_table, symbol)
        if unlikely(symbol_id < 0):
            symbol_id = self.add_symbol(symbol)
        trade.symbol_id = symbol_id
        map_store(&self.slots[symbol_id], &self.segment.header.ticket.value, &trade)

    def get(self, symbol, default=None):
        """Return the latest trade as a PriceUpdate, or `default` when there is none.

        Threads: any. Cost: never waits; allocates the result.
        """
        cdef Record record
        cdef int32_t symbol_id = symbol_find(self.symbol_table, symbol)
        if symbol_id < 0 or not slot_read(slot_pair(&self.slots[symbol_id], KIND_PRICE), <uint64_t*>&record):
            return default
        return PriceUpdate(
            symbol, record.price, record.volume, record.timestamp_ns, record.change_24h, record.received_ns,
            record.sequence)

    def snapshot(self):
        """Return the latest trade of every symbol as an array of SNAPSHOT_DTYPE; row i is id i, quotes are missing.

        Threads: any. Cost: never waits; allocates the array; releases the GIL.
        """
        return snapshot_of(self.slots, name_count(&self.symbol_table.names))

    def symbols(self):
        """Return all symbols; the index in the list is the id.

        Threads: any. Cost: allocates the list.
        """
        return self.symbol_table.list()

    def __len__(self):
        return name_count(&self.symbol_table.names)

    def __contains__(self, symbol):
        return isinstance(symbol, str) and symbol_find(self.symbol_table, symbol) >= 0
