"""The calls that write prices. Each update reads as one short sequence: read the clock, convert, validate, find
the symbol, publish, count. The steps themselves stand in hotpath.pxd and in the rooms below it."""

import math

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint64_t

from pricecore.engine.hotpath cimport Engine, count_one, is_open, latency_since, publish_alone, quote_flags
from pricecore.prices.numbers cimport quick_double, quick_time, slow_double, slow_time
from pricecore.prices.symbols cimport symbol_find_known
from pricecore.prices.validation cimport quote_reason, trade_reason
from pricecore.primitives.arguments cimport PARAMETERS, Method, Parameters, bind, describe, put_before
from pricecore.primitives.atomics cimport likely, unlikely
from pricecore.primitives.clock cimport Reading, clock_read, clock_ticks
from pricecore.primitives.waiting cimport wake_readers
from pricecore.types cimport FLAG_NO_SOURCE_TIME, KIND_PRICE, KIND_QUOTE, REASON_TIME_OVERFLOW, Record

cdef enum:
    TRADE_PARAMETERS = 5
    QUOTE_PARAMETERS = 7

cdef Parameters trade_parameters, quote_parameters


cdef class Updater(Publisher):
    """Writes single prices and quotes, and counts what it wrote."""

    def update(self, symbol, price, volume=0.0, timestamp_ns=0, change_24h=math.nan):
        """Make a trade the latest price of its symbol, and publish it.

        Parameters
        ----------
        symbol : str
            1 to 48 bytes as UTF-8; a new one is registered. By convention ``VENUE:SYMBOL``.
        price : float
            Finite and above zero (any finite one with ``allow_nonpositive=True``).
        volume : float
            Size of this trade, not negative; 0.0: not given. Never a 24 h volume.
        timestamp_ns : int
            The source's time, ns since the Unix epoch; 0: it gave none.
        change_24h : float
            Percent; NaN: not given.

        Returns
        -------
        bool
            True: stored. False: older than the stored trade of this symbol (or refused, with ``on_bad="count"``).

        Raises
        ------
        InvalidUpdateError
            The update breaks a rule (``.reason``); nothing of it is visible. Counted in ``errors_by_reason``.
        RingFullError
            A consumer that holds the ring is a whole ring behind (see `consumer`); the message names it. Nothing is
            visible; counted. EngineClosedError: the engine was closed, perhaps while this call waited for room.
        TypeError
            An argument is of a wrong type. Not counted.

        Threads: any of the writer process. Cost: lock-free across symbols, two writers of one symbol take turns;
        allocates nothing for a known symbol. At a full ring it waits without the GIL, or not, as the consumer's
        ``full`` says.
        """
        cdef PyObject** given = [
            <PyObject*>symbol, <PyObject*>price, <PyObject*>volume, <PyObject*>timestamp_ns, <PyObject*>change_24h]
        return put_trade(self, given, TRADE_PARAMETERS, NULL)

    def update_quote(self, symbol, bid, ask, bid_size=0.0, ask_size=0.0, timestamp_ns=0, partial=False):
        """Make a best bid and ask the latest quote of its symbol, and publish it.

        Parameters
        ----------
        symbol : str
            1 to 48 bytes as UTF-8; a new one is registered.
        bid, ask : float
            As a price in `update`; NaN: this side is absent. A crossed quote is stored and flagged.
        bid_size, ask_size : float
            Not negative; 0.0 where the side is absent or the size unknown.
        timestamp_ns : int
            The source's time, ns since the Unix epoch; 0: it gave none.
        partial : bool
            True: an absent side keeps what is stored for it.

        Returns
        -------
        bool
            True: stored. False: older than the stored quote of this symbol (or refused, with ``on_bad="count"``).

        Raises
        ------
        InvalidUpdateError
            The quote breaks a rule (``.reason``); nothing of it is visible. Counted in ``errors_by_reason``.
        TypeError
            An argument is of a wrong type. Not counted.

        Threads: any of the writer process. Cost: as `update`.
        """
        cdef PyObject** given = [
            <PyObject*>symbol, <PyObject*>bid, <PyObject*>ask, <PyObject*>bid_size, <PyObject*>ask_size,
            <PyObject*>timestamp_ns, <PyObject*>partial]
        return put_quote(self, given, QUOTE_PARAMETERS, NULL)


cdef object put_trade(Updater self, PyObject** given, Py_ssize_t count, PyObject* keywords):
    """`update` itself: with all its arguments in order, or else by way of bind_trade."""
    cdef Engine* engine = self.engine
    cdef uint64_t begin
    cdef Record trade
    cdef Reading now
    cdef int32_t symbol_id
    cdef bint overflow = False
    cdef int reason
    if unlikely(count != TRADE_PARAMETERS or keywords != NULL):
        return bind_trade(self, given, count, keywords)
    begin = clock_ticks(engine.clock)
    if unlikely(not quick_double(given[1], &trade.price)):
        trade.price = slow_double(<object>given[1], "price")
    if unlikely(not quick_double(given[2], &trade.volume)):
        trade.volume = slow_double(<object>given[2], "volume")
    if unlikely(not quick_time(given[3], &trade.timestamp_ns)):
        trade.timestamp_ns = slow_time(<object>given[3], &overflow)
    if unlikely(not quick_double(given[4], &trade.change_24h)):
        trade.change_24h = slow_double(<object>given[4], "change_24h")
    if unlikely(not is_open(engine)):       # behind the last call that may run Python
        self.wake_to_write()
    symbol_id = symbol_find_known(&self.symbol_table.table, given[0])
    if unlikely(symbol_id < 0):
        symbol_id = self.symbol_table.find(<object>given[0])
    now = clock_read(engine.clock, begin)
    trade.sequence = 0                      # no ticket yet
    trade.received_ns = now.wall_ns
    trade.reserved = 0.0
    trade.kind = KIND_PRICE
    trade.flags = 0 if trade.timestamp_ns else FLAG_NO_SOURCE_TIME
    reason = trade_reason(
        trade.price, trade.volume, trade.change_24h, trade.timestamp_ns, now.wall_ns, &engine.rules)
    if unlikely(overflow):
        reason = REASON_TIME_OVERFLOW
    if unlikely(symbol_id < 0 and reason == 0):
        symbol_id = self.add_symbol(<object>given[0], &reason, &trade.sequence, True)
    if unlikely(reason != 0):
        return self.refuse(reason, KIND_PRICE, given)
    trade.symbol_id = symbol_id
    if unlikely(not publish_alone(engine, &trade, KIND_PRICE, False)):
        return self.publish_shared(&trade, False, begin, given)
    wake_readers(engine.waits, engine.bell)
    count_one(&self.meter, latency_since(engine, begin, now.scale))
    return True


cdef object put_quote(Updater self, PyObject** given, Py_ssize_t count, PyObject* keywords):
    """`update_quote` itself, as put_trade."""
    cdef Engine* engine = self.engine
    cdef uint64_t begin
    cdef Record quote
    cdef Reading now
    cdef int32_t symbol_id
    cdef bint overflow = False
    cdef bint keeps_sides
    cdef int reason
    if unlikely(count != QUOTE_PARAMETERS or keywords != NULL):
        return bind_quote(self, given, count, keywords)
    begin = clock_ticks(engine.clock)
    if unlikely(not quick_double(given[1], &quote.price)):
        quote.price = slow_double(<object>given[1], "bid")
    if unlikely(not quick_double(given[2], &quote.volume)):
        quote.volume = slow_double(<object>given[2], "ask")
    if unlikely(not quick_double(given[3], &quote.change_24h)):
        quote.change_24h = slow_double(<object>given[3], "bid_size")
    if unlikely(not quick_double(given[4], &quote.reserved)):
        quote.reserved = slow_double(<object>given[4], "ask_size")
    if unlikely(not quick_time(given[5], &quote.timestamp_ns)):
        quote.timestamp_ns = slow_time(<object>given[5], &overflow)
    keeps_sides = <object>given[6]          # may raise: not between the ticket and its publication
    if unlikely(not is_open(engine)):       # behind the last call that may run Python
        self.wake_to_write()
    symbol_id = symbol_find_known(&self.symbol_table.table, given[0])
    if unlikely(symbol_id < 0):
        symbol_id = self.symbol_table.find(<object>given[0])
    now = clock_read(engine.clock, begin)
    quote.sequence = 0                      # no ticket yet
    quote.received_ns = now.wall_ns
    quote.kind = KIND_QUOTE
    quote.flags = (0 if quote.timestamp_ns else FLAG_NO_SOURCE_TIME) | quote_flags(&quote)
    reason = quote_reason(
        quote.price, quote.volume, quote.change_24h, quote.reserved, quote.timestamp_ns, now.wall_ns, &engine.rules)
    if unlikely(overflow):
        reason = REASON_TIME_OVERFLOW
    if unlikely(symbol_id < 0 and reason == 0):
        symbol_id = self.add_symbol(<object>given[0], &reason, &quote.sequence, True)
    if unlikely(reason != 0):
        return self.refuse(reason, KIND_QUOTE, given)
    quote.symbol_id = symbol_id
    if unlikely(not publish_alone(engine, &quote, KIND_QUOTE, keeps_sides)):
        return self.publish_shared(&quote, keeps_sides, begin, given)
    wake_readers(engine.waits, engine.bell)
    count_one(&self.meter, latency_since(engine, begin, now.scale))
    return True


cdef object bind_trade(Updater self, PyObject** args, Py_ssize_t count, PyObject* keywords):
    """`update` with arguments by keyword, or left out."""
    cdef PyObject* given[PARAMETERS]
    if likely(bind(&trade_parameters, args, count, keywords, given)):
        return put_trade(self, given, TRADE_PARAMETERS, NULL)
    return trade_parameters.parsed(self, args, count, keywords)


cdef object bind_quote(Updater self, PyObject** args, Py_ssize_t count, PyObject* keywords):
    cdef PyObject* given[PARAMETERS]
    if likely(bind(&quote_parameters, args, count, keywords, given)):
        return put_quote(self, given, QUOTE_PARAMETERS, NULL)
    return quote_parameters.parsed(self, args, count, keywords)


describe(&trade_parameters, ("symbol", "price", "volume", "timestamp_ns", "change_24h"), (0.0, 0, math.nan))
describe(
    &quote_parameters, ("symbol", "bid", "ask", "bid_size", "ask_size", "timestamp_ns", "partial"),
    (0.0, 0.0, 0, False))

# Whether they answer; where not, Cython's own methods do, and are only slower.
_put_before = {
    "update": put_before(Updater, "update", <Method>put_trade, &trade_parameters),
    "update_quote": put_before(Updater, "update_quote", <Method>put_quote, &quote_parameters),
}
