"""The calls that write many prices at once: columns become rows, rows get tickets in chunks (batch.pyx)."""

import numpy as np

cimport numpy as cnp
from cpython.list cimport PyList_GET_ITEM
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from pricecore.engine.batch cimport ROWS_DONE, ROWS_SHUT, Progress, publish_rows
from pricecore.engine.chunk cimport CHUNK_ROWS, Chunk, Rows, chunk_begin, chunk_drop, read_row
from pricecore.engine.closing cimport begin_short, begin_writing, end_short, end_writing
from pricecore.engine.columns cimport as_floats, as_ids_or_names, as_times, extremes
from pricecore.engine.hotpath cimport Engine, Meter, Tally, is_open, latency_since
from pricecore.engine.room cimport Patience
from pricecore.metrics.histogram cimport histogram_add
from pricecore.metrics.latency cimport window_record_many
from pricecore.prices.symbols cimport name_count, symbol_find, symbol_find_known
from pricecore.primitives.atomics cimport likely, owned_add, unlikely
from pricecore.primitives.clock cimport clock_read, clock_ticks
from pricecore.types cimport KIND_PRICE, KIND_QUOTE, REASON_COUNT, REASON_RING_FULL, Record

from pricecore.errors import REASONS, EngineClosedError, UnknownSymbolError
from pricecore.metrics.log import warn_throttled
from pricecore.prices.refusals import counted

cnp.import_array()


cdef class BatchUpdater(Updater):
    """Writes batches of prices and quotes, and counts what it wrote."""

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
        """Look up every name of a list of our own; register a new one when its row is good. A bad one gets minus its
        Reason."""
        cdef Py_ssize_t i
        cdef int32_t symbol_id
        cdef int reason
        cdef Record unused
        cdef bint patient = True        # until one waited in vain
        cdef int64_t now_ns = self.now_ns()
        for i in range(rows.count):
            symbol_id = symbol_find_known(&self.symbol_table.table, PyList_GET_ITEM(names, i))
            if unlikely(symbol_id < 0):
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
        cdef int handle = self.index    # until the end, also when another thread gives it back
        cdef Progress progress
        cdef Chunk chunk
        cdef Patience patience
        cdef Py_ssize_t waiting = -1    # for the chunk that ends at this row
        cdef bint patient = True
        chunk_begin(&chunk, rows)
        while True:
            # Begun with the GIL: whoever has it next knows that a batch is writing (is_alone).
            if unlikely(not begin_writing(engine, handle)):
                progress = ROWS_SHUT
            elif rows.count >= CHUNK_ROWS:
                with nogil:
                    progress = publish_rows(engine, rows, symbols, &chunk, tally)
                    end_writing(engine, handle)
            else:
                progress = publish_rows(engine, rows, symbols, &chunk, tally)
                end_writing(engine, handle)
            if likely(progress == ROWS_DONE):
                return 0
            if progress == ROWS_SHUT:
                self.tell_shut(rows, tally)
                continue
            if waiting != chunk.next:
                waiting, patience.begun = chunk.next, False
            patient = patient and self.await_room(chunk.filled, &patience)
            if not patient:
                chunk_drop(&chunk, tally)

    cdef int tell_shut(self, const Rows* rows, const Tally* tally) except -1:
        """Say that the engine was closed in the middle of the batch; return when it may go on, in a forked child."""
        try:
            return self.wake_to_write()
        except EngineClosedError as error:
            raise EngineClosedError(
                f"{error}; {tally.published:,} of the {rows.count:,} rows of this batch were stored before") from None

    cdef int count(self, const Rows* rows, const Tally* tally, uint64_t begin) except -1:
        cdef uint64_t whole_ns = latency_since(self.engine, begin, clock_read(self.engine.clock, begin).scale)
        if begin_short(self.engine, self.index):    # else the handle may be the next writer's by now
            count_batch(&self.meter, tally, rows.count, whole_ns)
            end_short(self.engine, self.index)
        if tally.refused:
            self.warn_of_refused(tally)
        return 0

    cdef int warn_of_refused(self, const Tally* tally) except -1:
        for reason in range(REASON_COUNT):
            if tally.errors[reason]:
                warn_throttled(REASONS[reason], counted(REASONS[reason], None))
        return 0


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
