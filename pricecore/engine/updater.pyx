"""The calls that write prices. Each update reads as one short sequence: read the clock, convert, validate, find
the symbol, publish, count. The steps themselves stand in hotpath.pxd and in the rooms below it."""

import math

import numpy as np

cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from pricecore.engine.closing cimport begin_short, end_short, update_begins
from pricecore.engine.columns cimport as_floats, as_ids_or_names, as_times, extremes
from pricecore.engine.hotpath cimport (
    CHUNK_ROWS, OUT_OF_ORDER, RING_FULL, ROWS_DONE, ROWS_SHUT, STORED, Chunk, Engine, Meter, Outcome, Progress, Rows,
    Tally, count_one, drop_chunk, is_open, publish, publish_rows, quote_flags, read_row,
)
from pricecore.engine.room cimport ROOM_REFUSED, Patience, find_room
from pricecore.metrics.histogram cimport histogram_add
from pricecore.metrics.latency cimport window_record_many
from pricecore.prices.numbers cimport as_double, as_time
from pricecore.prices.symbols cimport name_count, symbol_find
from pricecore.prices.validation cimport quote_reason, trade_reason
from pricecore.primitives.atomics cimport likely, owned_add, unlikely
from pricecore.primitives.clock cimport Reading, clock_read, clock_ticks, scaled
from pricecore.primitives.waiting cimport wake_readers
from pricecore.types cimport (
    FLAG_NO_SOURCE_TIME, KIND_PRICE, KIND_QUOTE, REASON_COUNT, REASON_RING_FULL, REASON_TIME_OVERFLOW, Record,
)

from pricecore.errors import REASONS, EngineClosedError, RingFullError, UnknownSymbolError
from pricecore.metrics.log import warn_throttled
from pricecore.prices.refusals import counted, refusal

cnp.import_array()


cdef inline uint64_t latency_since(const Engine* engine, uint64_t begin, uint64_t scale) noexcept nogil:
    """The ns since `begin`; a thread that moved between cores may see the counter stand still, never run back."""
    cdef uint64_t end = clock_ticks(engine.clock)
    return scaled(end - begin, scale) if end > begin else 0


cdef class Updater(Reader):
    """Writes prices and quotes, and counts what it wrote."""

    cdef int wake_to_write(self) except -1:
        """Called before writing when the engine is not simply open."""
        return self.wake()

    cdef int begin_update(self) except -1:
        """begin_short, or raise."""
        while not begin_short(self.engine):
            self.wake_to_write()
        return 0

    cdef void count_event(self, uint64_t* word) noexcept:
        """Count one in our handle, unless it may be the next writer's by now."""
        if begin_short(self.engine):
            owned_add(word, 1)
            end_short(self.engine)

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
        cdef Engine* engine = self.engine
        cdef uint64_t begin = clock_ticks(engine.clock)
        cdef Record trade
        cdef Reading now
        cdef Outcome outcome
        cdef int32_t symbol_id
        cdef bint overflow = False
        cdef int reason
        trade.sequence = 0                      # no ticket yet
        trade.price = as_double(price, "price")
        trade.volume = as_double(volume, "volume")
        trade.change_24h = as_double(change_24h, "change_24h")
        trade.reserved = 0.0
        trade.timestamp_ns = as_time(timestamp_ns, &overflow)
        if unlikely(not is_open(engine)):       # behind the last call that may run Python
            self.wake_to_write()
        now = clock_read(engine.clock, begin)
        trade.received_ns = now.wall_ns
        symbol_id = symbol_find(self.symbol_table, symbol)
        reason = trade_reason(
            trade.price, trade.volume, trade.change_24h, trade.timestamp_ns, now.wall_ns, &engine.rules)
        if unlikely(overflow):
            reason = REASON_TIME_OVERFLOW
        if unlikely(symbol_id < 0 and reason == 0):
            symbol_id = self.add_symbol(symbol, &reason, &trade.sequence, True)
        if likely(reason == 0):
            trade.symbol_id = symbol_id
            trade.kind = KIND_PRICE
            trade.flags = 0 if trade.timestamp_ns else FLAG_NO_SOURCE_TIME
            if unlikely(not update_begins(engine, trade.sequence)):
                self.begin_update()
            outcome = publish(engine, &trade, KIND_PRICE, False)
            if likely(outcome == STORED):
                wake_readers(engine.waits, engine.ring.ticket, engine.bell)
                count_one(&self.meter, latency_since(engine, begin, now.scale))
                end_short(engine)
                return True
            end_short(engine)
            return self.not_stored(outcome, &trade, False, symbol, {"price": price})
        return self.refuse(reason, symbol, {
            "price": price, "volume": volume, "timestamp_ns": timestamp_ns, "change_24h": change_24h})

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
        cdef Engine* engine = self.engine
        cdef uint64_t begin = clock_ticks(engine.clock)
        cdef Record quote
        cdef Reading now
        cdef Outcome outcome
        cdef int32_t symbol_id
        cdef bint overflow = False
        cdef bint keeps_sides
        cdef int reason
        quote.sequence = 0                      # no ticket yet
        quote.price = as_double(bid, "bid")
        quote.volume = as_double(ask, "ask")
        quote.change_24h = as_double(bid_size, "bid_size")
        quote.reserved = as_double(ask_size, "ask_size")
        quote.timestamp_ns = as_time(timestamp_ns, &overflow)
        keeps_sides = partial                   # may raise: not between the ticket and its publication
        if unlikely(not is_open(engine)):       # behind the last call that may run Python
            self.wake_to_write()
        now = clock_read(engine.clock, begin)
        quote.received_ns = now.wall_ns
        symbol_id = symbol_find(self.symbol_table, symbol)
        reason = quote_reason(
            quote.price, quote.volume, quote.change_24h, quote.reserved, quote.timestamp_ns, now.wall_ns,
            &engine.rules)
        if unlikely(overflow):
            reason = REASON_TIME_OVERFLOW
        if unlikely(symbol_id < 0 and reason == 0):
            symbol_id = self.add_symbol(symbol, &reason, &quote.sequence, True)
        if likely(reason == 0):
            quote.symbol_id = symbol_id
            quote.kind = KIND_QUOTE
            quote.flags = (0 if quote.timestamp_ns else FLAG_NO_SOURCE_TIME) | quote_flags(&quote)
            if unlikely(not update_begins(engine, quote.sequence)):
                self.begin_update()
            outcome = publish(engine, &quote, KIND_QUOTE, keeps_sides)
            if likely(outcome == STORED):
                wake_readers(engine.waits, engine.ring.ticket, engine.bell)
                count_one(&self.meter, latency_since(engine, begin, now.scale))
                end_short(engine)
                return True
            end_short(engine)
            return self.not_stored(outcome, &quote, keeps_sides, symbol, {"bid": bid, "ask": ask})
        return self.refuse(reason, symbol, {
            "bid": bid, "ask": ask, "bid_size": bid_size, "ask_size": ask_size, "timestamp_ns": timestamp_ns})

    def update_many(self, symbols, prices, volumes=None, timestamps_ns=None, changes_24h=None):
        """Apply a batch of trades in order.

        Parameters
        ----------
        symbols : array of int32 ids (see `register`), or sequence of str
        prices : array-like of float
        volumes, changes_24h : array-like of float, optional
        timestamps_ns : array-like of int (ns) or datetime64, optional
            All one-dimensional and equally long. Contiguous float64, int64 and int32 arrays are read in place.

        Returns
        -------
        int
            Rows stored. A row that breaks a rule is skipped and counted in ``errors_by_reason``, one that is older
            than the stored trade in ``out_of_order``. A batch raises no RingFullError: rows that found no room in a
            ring that a consumer holds are skipped and counted as ``ring_full``, 64 at a time. Each 64 wait as
            `update` does; once some waited in vain, the rest of the batch does not wait.

        Raises
        ------
        UnknownSymbolError
            An id is not registered. TypeError, ValueError: a column is of a wrong type, shape or length. In all
            these cases nothing is applied and nothing counted.

        EngineClosedError
            Another thread, or a signal handler, closed the engine meanwhile: the batch stops, at a multiple of 64 good
            rows; the message says how many rows were stored. What it did is in the stream, but no more counted.
        KeyboardInterrupt, or what another signal handler raises
            While the batch waited for room: the rows before are applied and counted.

        Threads: any of the writer process. Cost: a batch of 64 rows or more releases the GIL, and so does one that
        waits for room; allocates nothing a row.
        """
        cdef uint64_t begin = clock_ticks(self.engine.clock)
        cdef Rows rows
        cdef cnp.ndarray ids, a, b, c, times
        if unlikely(not is_open(self.engine)):
            self.wake_to_write()
        symbols = as_ids_or_names(symbols)
        rows.kind = KIND_PRICE
        rows.count = len(symbols)
        a = as_floats("prices", prices, rows.count)
        b = as_floats("volumes", volumes, rows.count)
        c = as_floats("changes_24h", changes_24h, rows.count)
        times = as_times(timestamps_ns, rows.count)
        if a is None:
            raise TypeError("prices must be a sequence of numbers, not None")
        rows.a = <const double*>cnp.PyArray_DATA(a)
        rows.b = <const double*>cnp.PyArray_DATA(b) if b is not None else NULL
        rows.c = <const double*>cnp.PyArray_DATA(c) if c is not None else NULL
        rows.d = NULL
        rows.times = <const int64_t*>cnp.PyArray_DATA(times) if times is not None else NULL
        ids = self.ids_of(symbols, &rows)
        rows.ids = <const int32_t*>cnp.PyArray_DATA(ids)
        return self.apply(&rows, begin)

    def update_quotes(self, symbols, bids, asks, bid_sizes=None, ask_sizes=None, timestamps_ns=None):
        """Apply a batch of quotes in order; an absent side is NaN.

        Parameters
        ----------
        symbols : array of int32 ids (see `register`), or sequence of str
        bids, asks : array-like of float
        bid_sizes, ask_sizes : array-like of float, optional
        timestamps_ns : array-like of int (ns) or datetime64, optional

        Returns
        -------
        int
            Rows stored; the others are skipped and counted as in `update_many`.

        Raises
        ------
        UnknownSymbolError, TypeError, ValueError
            As `update_many`.

        Threads: any of the writer process. Cost: as `update_many`.
        """
        cdef uint64_t begin = clock_ticks(self.engine.clock)
        cdef Rows rows
        cdef cnp.ndarray ids, a, b, c, d, times
        if unlikely(not is_open(self.engine)):
            self.wake_to_write()
        symbols = as_ids_or_names(symbols)
        rows.kind = KIND_QUOTE
        rows.count = len(symbols)
        a = as_floats("bids", bids, rows.count)
        b = as_floats("asks", asks, rows.count)
        c = as_floats("bid_sizes", bid_sizes, rows.count)
        d = as_floats("ask_sizes", ask_sizes, rows.count)
        times = as_times(timestamps_ns, rows.count)
        if a is None or b is None:
            raise TypeError("bids and asks must be sequences of numbers, not None; an absent side is NaN")
        rows.a = <const double*>cnp.PyArray_DATA(a)
        rows.b = <const double*>cnp.PyArray_DATA(b)
        rows.c = <const double*>cnp.PyArray_DATA(c) if c is not None else NULL
        rows.d = <const double*>cnp.PyArray_DATA(d) if d is not None else NULL
        rows.times = <const int64_t*>cnp.PyArray_DATA(times) if times is not None else NULL
        ids = self.ids_of(symbols, &rows)
        rows.ids = <const int32_t*>cnp.PyArray_DATA(ids)
        return self.apply(&rows, begin)

    cdef object ids_of(self, object symbols, Rows* rows):
        """Return the column of ids: checked when given as ids, looked up (and registered) when given as str."""
        cdef cnp.ndarray found
        cdef int32_t least, most
        cdef uint64_t count
        if type(symbols) is list:
            found = np.empty(rows.count, np.int32)
            self.resolve(symbols, <int32_t*>cnp.PyArray_DATA(found), rows)
            return found
        found = symbols
        count = name_count(&self.symbol_table.names)
        extremes(<const int32_t*>cnp.PyArray_DATA(found), rows.count, &least, &most)
        if rows.count and (least < 0 or <uint64_t>most >= count):
            raise UnknownSymbolError(
                f"no symbol has the id {least if least < 0 else most}; ids run from 0 to {<int64_t>count - 1}, "
                f"register() makes them; nothing of the batch was applied")
        return found

    cdef int resolve(self, list names, int32_t* ids, const Rows* rows) except -1:
        """Look every name up; register a new one when its row is good. A bad one gets minus its Reason."""
        cdef Py_ssize_t i
        cdef int32_t symbol_id
        cdef int reason
        cdef Record unused
        cdef bint patient = True        # until one waited in vain
        cdef int64_t now_ns = self.now_ns()
        for i in range(rows.count):
            name = names[i]
            symbol_id = symbol_find(self.symbol_table, name)
            if unlikely(symbol_id < 0):
                reason = read_row(self.engine, rows, i, now_ns, &unused)
                if reason == 0:
                    symbol_id = self.add_symbol(name, &reason, NULL, patient)
                if reason:
                    symbol_id = -reason
                    patient = patient and reason != REASON_RING_FULL
            ids[i] = symbol_id
        return 0

    cdef Py_ssize_t apply(self, const Rows* rows, uint64_t begin) except -1:
        """Publish the batch, then count it with the GIL: a handle has one writer at a time."""
        cdef Tally tally
        if rows.count == 0:
            return 0
        memset(&tally, 0, sizeof(Tally))
        try:
            self.publish_batch(rows, &tally)
        finally:
            self.count(rows, &tally, begin)
        return <Py_ssize_t>tally.published

    cdef int publish_batch(self, const Rows* rows, Tally* tally) except -1:
        """Publish without the GIL, unless the batch is small. Chunks that find no room wait, until one did in vain."""
        cdef Engine* engine = self.engine
        cdef uint64_t symbols = name_count(&self.symbol_table.names)
        cdef Progress progress
        cdef Chunk chunk
        cdef Patience patience
        cdef Py_ssize_t waiting = -1    # for the chunk that ends at this row
        cdef bint patient = True
        chunk.next, chunk.filled = 0, 0
        while True:
            if rows.count >= CHUNK_ROWS:
                with nogil:
                    progress = publish_rows(engine, rows, symbols, &chunk, tally)
            else:
                progress = publish_rows(engine, rows, symbols, &chunk, tally)
            if likely(progress == ROWS_DONE):
                return 0
            if progress == ROWS_SHUT:
                self.tell_shut(rows, tally)
                continue
            if waiting != chunk.next:
                waiting, patience.begun = chunk.next, False
            patient = patient and self.await_room(chunk.filled, &patience)
            if not patient:
                drop_chunk(&chunk, tally)

    cdef int tell_shut(self, const Rows* rows, const Tally* tally) except -1:
        """Say that the engine was closed in the middle of the batch; return when it may go on, in a forked child."""
        try:
            return self.wake_to_write()
        except EngineClosedError as error:
            raise EngineClosedError(
                f"{error}; {tally.published:,} of the {rows.count:,} rows of this batch were stored before") from None

    cdef int count(self, const Rows* rows, const Tally* tally, uint64_t begin) except -1:
        cdef uint64_t whole_ns = latency_since(self.engine, begin, clock_read(self.engine.clock, begin).scale)
        if begin_short(self.engine):        # else the handle may be the next writer's by now
            count_batch(&self.meter, tally, rows.count, whole_ns)
            end_short(self.engine)
        if tally.refused:
            self.warn_of_refused(tally)
        return 0

    cdef int warn_of_refused(self, const Tally* tally) except -1:
        for reason in range(REASON_COUNT):
            if tally.errors[reason]:
                warn_throttled(REASONS[reason], counted(REASONS[reason], None))
        return 0

    cdef bint await_room(self, uint64_t n, Patience* patience) except -1:
        """Wait for room for n records, without the GIL; False: give up. Hold no slot.

        An engine that was closed meanwhile is one to try again: that says so.
        """
        return find_room(self.engine, self.holders, n, patience) != ROOM_REFUSED

    cdef Outcome publish_when_room(self, Record* record, bint partial) except *:
        """Publish an update that found the ring full."""
        cdef Patience patience
        cdef Outcome outcome = RING_FULL
        patience.begun = False
        while outcome == RING_FULL and self.await_room(1, &patience):
            self.begin_update()
            outcome = publish(self.engine, record, record.kind, partial)
            end_short(self.engine)
        return outcome

    cdef object refuse(self, int reason, object symbol, dict values):
        """Count a refused update, then raise, or log and return False: never both."""
        name = REASONS[reason]
        self.count_event(&self.meter.handle.errors[reason])
        if self.raise_bad:
            raise self.error_of(reason, symbol, values)
        warn_throttled(name, counted(name, symbol))
        return False

    cdef object error_of(self, int reason, object symbol, dict values):
        """Return the error for a refused update; that of a full ring names the consumer."""
        error = refusal(REASONS[reason], symbol, values)
        slowest = self.holders.slowest() if reason == REASON_RING_FULL else None
        if slowest is None:             # or it has left meanwhile
            return error
        return RingFullError(f"{error}: {slowest[0]!r} is {slowest[1]:,} records behind")

    cdef object not_stored(self, Outcome outcome, Record* record, bint partial, object symbol, dict values):
        if outcome == RING_FULL:
            outcome = self.publish_when_room(record, partial)
        if outcome == STORED:
            wake_readers(self.engine.waits, self.engine.ring.ticket, self.engine.bell)
            if begin_short(self.engine):
                # Since the call began: the hot path keeps no other moment for this.
                count_one(&self.meter, <uint64_t>max(<int64_t>0, self.now_ns() - record.received_ns))
                end_short(self.engine)
            return True
        if outcome == OUT_OF_ORDER:
            self.count_event(&self.meter.handle.out_of_order)
            return False
        return self.refuse(REASON_RING_FULL, symbol, values)

    cdef int32_t add_symbol(self, object symbol, int* reason, uint64_t* ticket, bint patient) except -2:
        """Register a new symbol; `reason` says why it was refused. `ticket`, if wanted, gets one for its update,
        taken together with the symbol's own: an update that finds no room then has registered nothing. `patient`:
        wait for room as an update does."""
        raise NotImplementedError


cdef void count_batch(const Meter* meter, const Tally* tally, uint64_t count, uint64_t whole_ns) noexcept:
    """Record the call's time divided by its rows once for each applied row."""
    cdef uint64_t each_ns = whole_ns // count
    if tally.published:
        window_record_many(
            meter.window, meter.window_capacity, &meter.handle.processed, &meter.handle.position, each_ns,
            tally.published)
        histogram_add(meter.histogram, each_ns, tally.published)
    cdef int reason
    owned_add(&meter.handle.out_of_order, tally.out_of_order)
    for reason in range(REASON_COUNT if tally.refused else 0):
        owned_add(&meter.handle.errors[reason], tally.errors[reason])
    owned_add(&meter.handle.batches, 1)
    owned_add(&meter.handle.batch_rows, count)
    owned_add(&meter.handle.batch_ns, whole_ns)
