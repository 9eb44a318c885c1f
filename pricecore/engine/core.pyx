"""The compiled engine: birth, symbols, housekeeping, repair after a fork, death."""

import errno
import os

import numpy as np

cimport cython
from libc.math cimport INFINITY
from libc.stdint cimport INT64_MAX, int32_t, uint64_t

from pricecore.delivery.holding cimport HolderTable, HoldingConsumer, holders_detach
from pricecore.delivery.ring cimport (
    NOT_YET, TAKEN, Claim, ring_claim_ready, ring_fill, ring_of, ring_publish,
)
from pricecore.delivery.symbol_record cimport SymbolRecord, fill_symbol_record
from pricecore.delivery.subscription_core cimport SubscriptionCore
from pricecore.engine.closing cimport close_writers, end_short, is_written
from pricecore.engine.gather cimport counted_since_s, gather_metrics, processed_of
from pricecore.engine.hotpath cimport CLOSED, FOREIGN, FORKED, OPEN, count_one, is_open, meter_of, set_status
from pricecore.engine.house cimport (
    house_begin, house_begin_child, house_cpu_percent, house_end, house_throughput,
)
from pricecore.engine.repair cimport damage_of, free_handles, newest_received_ns, repair_segment
from pricecore.engine.room cimport Patience
from pricecore.metrics.histogram cimport HISTOGRAM_WORDS, histogram_reset
from pricecore.metrics.latency cimport window_reset
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport SymbolTable, name_count, name_find, symbol_find, symbol_name
from pricecore.primitives.atomics cimport backoff, store_relaxed
from pricecore.primitives.clock cimport CLOCK_STEADY, CLOCK_WALL, clock_ns
from pricecore.primitives.segment cimport (
    HANDLE_COUNT, Handle, Layout, Segment, segment_at, segment_handle, segment_histogram,
)
from pricecore.primitives.steps cimport AT_SYMBOL_CLAIMED, AT_SYMBOL_FILLED, AT_SYMBOL_PUBLISHED, step
from pricecore.primitives.waiting cimport WaitRoom, wake_all
from pricecore.types cimport REASON_COUNT, REASON_RING_FULL, REASON_SYMBOL_TABLE_FULL

from pricecore.delivery.subscription import Subscription
from pricecore.errors import SegmentError, WrongProcessError
from pricecore.metrics.log import warn_throttled
from pricecore.primitives import housekeeping
from pricecore.primitives.named_segment import write_segment
from pricecore.primitives.wait_file import make_wait_file


@cython.no_gc_clear             # as Reader
cdef class EngineCore(Updater):
    """What `PriceEngine` is made of; see there."""

    def __cinit__(self, *_, **__):
        self.state = self.engine[0]     # closed, with a clock that may be read
        self.state.gate = &self.state.status
        self.engine = &self.state

    def _open(self, *, name, max_symbols, ring_capacity, latency_window, pool, permissions, resume,
              allow_nonpositive, drop_out_of_order, max_future_ns, raise_bad):
        """Make the segment, or take it over, and open the engine; once in its life."""
        if self.segment is not None:
            raise RuntimeError("this engine was initialised before; make a new one")
        self.state.rules.least_price = -INFINITY if allow_nonpositive else 0.0
        self.state.rules.max_future_ns = INT64_MAX if max_future_ns is None else max_future_ns
        self.state.drop_out_of_order = drop_out_of_order
        self.raise_bad = raise_bad
        sizes = {"max_symbols": max_symbols, "ring_capacity": ring_capacity, "latency_window": latency_window,
                 "histogram_words": HISTOGRAM_WORDS}
        if name is None:
            self.segment = Segment(**sizes)
        else:
            self.segment = write_segment(name, sizes, permissions, resume=resume)
        try:
            self.fit_out(name, pool)
        except BaseException:
            self.give_up()
            raise
        self.meter.handle.in_use = 1
        set_status(&self.state, OPEN)

    cdef int fit_out(self, object name, BufferPool pool) except -1:
        """Furnish the engine around its segment."""
        self.waits = WaitRoom(None if name is None else make_wait_file(self.segment.file.path))
        if name is not None and self.segment.file.closed:   # from here on runs no Python that could fork
            raise WrongProcessError("this process was forked while the engine was being made: it belongs to the parent")
        self.buffers = pool
        self.symbol_table = SymbolTable(self.segment)
        self.state.layout = &self.segment.layout
        self.state.clock = &self.segment.header.clock
        self.state.slots = <Slot*>segment_at(&self.segment.layout, self.segment.layout.offsets.slots)
        self.state.ring = ring_of(&self.segment.layout)
        self.state.waits = self.waits.page
        self.meter = meter_of(self.engine, 0)
        self.resume()
        self.holders = HolderTable(self.segment)
        return 0

    cdef void give_up(self) noexcept:
        """Free the name at once: what failed may be kept alive by its traceback."""
        house_end(&self.house)
        if self.segment.file is not None:
            self.segment.file.close()

    cdef int resume(self) except -1:
        """Start the clock; after another writer first mend what it left open, and begin the counts anew."""
        cdef bint resumed = self.segment.file is not None and not self.segment.file.fresh
        if resumed:
            self.refuse_damage()
            repair_segment(self.state.layout)
            free_handles(self.state.layout)
            self.zero_counts()
            self.segment.header.created_ns = self.segment.header.reset_ns
            self.segment.header.created_steady_ns = self.segment.header.reset_steady_ns
        house_begin(
            &self.house, self.engine, self.segment, self.buffers,
            newest_received_ns(self.state.layout) if resumed else 0)
        if resumed:
            self.segment.take_over(self.segment.generation + 1)
        return 0

    cdef int refuse_damage(self) except -1:
        """SegmentError when the segment holds what no writer can have left."""
        cdef const char* damage = damage_of(self.state.layout)
        if damage != NULL:
            raise SegmentError(
                errno.EINVAL,
                f"this segment is damaged ({damage.decode()}); PriceEngine(name, resume=False) begins a new one",
                str(self.segment.file.path))
        return 0

    def __dealloc__(self):
        house_end(&self.house)

    cdef int wake(self) except -1:
        """Called when the engine is not simply open: repair it in a forked child, or say that it is closed."""
        if self.state.status == FORKED:
            self.repair()
            return 0
        if self.state.status == FOREIGN:
            return 0
        return Updater.wake(self)

    cdef int wake_to_write(self) except -1:
        if self.state.status == FOREIGN:
            raise WrongProcessError(
                f"process {self.segment.writer_pid} writes this engine's segment, this is its child {os.getpid()}: it "
                f"can read here; let the parent write, or make an engine with a name of its own")
        return self.wake()

    cdef int repair(self) except -1:
        """Mend what threads that do not exist any more left half done, as after a crash of the writer.

        Threads: call while no other thread uses the engine. Cost: reads every slot and the whole ring.
        """
        if self.segment is None:
            raise RuntimeError("this engine was never initialised")
        repair_segment(self.state.layout)
        self.symbol_table.reset_lock()
        housekeeping.restart()
        set_status(&self.state, OPEN)

    def _mark_forked(self):
        """Called in the child, right after a fork: a private engine goes on after a repair, a named one only reads."""
        self.state.writing = 0                  # those threads are not here
        if self.holders is not None:
            self.holders.after_fork(self.segment.file is None)
        if self.state.status != OPEN:
            return
        if self.segment.file is None:
            self.state.status = FORKED
            house_begin_child(&self.house)
        else:
            self.state.status = FOREIGN
            house_end(&self.house)

    def close(self):
        """Close the engine. Single updates in other threads finish, batches stop, at the latest after 64 rows, and
        raise EngineClosedError, which says how many rows were stored; so do later calls.

        Threads: any, and signal handlers; a second call does nothing. Cost: waits for the housekeeping thread and for
        what batches have begun (microseconds), without the GIL. The memory stays until the last user lets go; a
        named segment stays for its readers and for the next writer.
        """
        if self.state.status == FOREIGN:
            self.wake_to_write()
        if not close_writers(&self.state):
            return
        with nogil:
            self.await_writers()
        house_end(&self.house)
        holders_detach(&self.holders.holders)       # the next writer waits for nobody here
        if self.segment.file is not None:
            self.segment.file.close()
        wake_all(self.state.ring.ticket)            # who waits sees that nothing will come any more

    cdef void await_writers(self) noexcept nogil:
        """Return when nobody writes any more; none of those waits for the GIL or for room."""
        cdef unsigned tries = 0
        while is_written(&self.state):
            backoff(&tries)

    def _subscribe(self, options):
        """Return a Subscription with these options."""
        self._check_stream()
        subscription = Subscription(self.segment, self.symbol_table, self.waits, check=self._check_stream, **options)
        (<SubscriptionCore>subscription).follow(&self.holders.holders.detached, &self.holders.holders.last)
        return subscription

    def _check_stream(self):
        """Raise when this process will publish nothing more."""
        if not is_open(&self.state):
            self.wake_to_write()

    @property
    def closed(self):
        """True after `close`."""
        return self.state.status == CLOSED

    cdef int32_t add_symbol(self, object symbol, int* reason, uint64_t* ticket, bint patient) except -2:
        cdef Patience patience
        cdef int32_t symbol_id = self.add_at_once(symbol, reason, ticket)
        patience.begun = False
        while patient and reason[0] == REASON_RING_FULL:
            patient = self.await_room(1 if ticket == NULL else 2, &patience)
            if patient:
                symbol_id = self.add_at_once(symbol, reason, ticket)
        return symbol_id

    cdef int32_t add_at_once(self, object symbol, int* reason, uint64_t* ticket) except -2:
        """Give a new symbol an id, and publish its SYMBOL record before anyone can use the id.

        From the claim on, until the caller has published under `ticket`, no Python runs: a thread that waits for
        an open ticket may hold the GIL. So the private index learns of the symbol at its next lookup.
        """
        cdef Py_ssize_t length = 0
        cdef const char* name
        cdef uint64_t sequence = 0
        cdef int32_t symbol_id
        symbol = str.__str__(symbol)                        # an exact str, also of a subclass such as numpy's
        reason[0] = symbol_name(symbol, &name, &length)
        if reason[0]:
            return -1
        self.warn_of_room()
        self.begin_update()                                 # again: logging may have closed the engine
        self.symbol_table.acquire()
        symbol_id = name_find(&self.symbol_table.names, name, length)
        if symbol_id < 0:                                   # else another thread was faster
            if name_count(&self.symbol_table.names) == self.symbol_table.names.capacity:
                reason[0] = REASON_SYMBOL_TABLE_FULL
            elif not self.claim_waiting(1 if ticket == NULL else 2, &sequence):
                reason[0] = REASON_RING_FULL
            else:
                if ticket != NULL:
                    ticket[0] = sequence + 1
                symbol_id = self.publish_symbol(name, length, sequence)
        self.symbol_table.release()
        if ticket == NULL or ticket[0] == 0:                # else the update goes on
            end_short(&self.state)
        return symbol_id

    cdef int32_t publish_symbol(self, const char* name, size_t length, uint64_t sequence) noexcept:
        """Give a new name its id and its record. Call with the table's lock."""
        cdef SymbolRecord record
        cdef int32_t symbol_id
        step(AT_SYMBOL_CLAIMED)
        symbol_id = self.symbol_table.add(name, length, sequence)
        fill_symbol_record(&record, sequence, symbol_id, name, length)
        ring_fill(&self.state.ring, <uint64_t*>&record)
        step(AT_SYMBOL_FILLED)
        ring_publish(&self.state.ring, sequence)
        step(AT_SYMBOL_PUBLISHED)
        return symbol_id

    cdef bint claim_waiting(self, uint64_t n, uint64_t* first) noexcept nogil:
        """Take n sequences whose cells are free; False: no room. Waits for a writer a lap behind, holds no slot."""
        cdef Claim claim = NOT_YET
        cdef unsigned tries = 0
        while claim == NOT_YET:
            claim = ring_claim_ready(&self.state.ring, n, first)
            if claim == NOT_YET:
                backoff(&tries)
        return claim == TAKEN

    cdef int warn_of_room(self) except -1:
        """Say once that the symbol table is filling up."""
        cdef uint64_t used = name_count(&self.symbol_table.names)
        cdef uint64_t capacity = self.symbol_table.names.capacity
        if not self.warned_of_room and used * 10 >= capacity * 8:
            self.warned_of_room = True
            warn_throttled("symbol_table_room", f"{used:,} of {capacity:,} places of the symbol table are taken; "
                           f"beyond that updates of new symbols are refused (option max_symbols)")

    cdef int32_t register_one(self, object symbol) except -1:
        cdef int reason = 0
        cdef int32_t symbol_id = symbol_find(self.symbol_table, symbol)
        if symbol_id < 0:
            symbol_id = self.add_symbol(symbol, &reason, NULL, True)
        if reason:
            raise self.error_of(reason, symbol, {})
        return symbol_id

    def register(self, symbols):
        """Add symbols and return their ids: an int for a str, an int32 array for a sequence of str.

        Raises
        ------
        InvalidUpdateError
            A symbol is empty, too long or not encodable; those before it in the sequence are registered.
        SymbolTableFullError
            No place is left.
        RingFullError
            As `update`.

        Threads: any of the writer process. Cost: takes turns with other additions; publishes a SYMBOL record for
        each new one; at a full ring it waits as `update` does.
        """
        if not is_open(&self.state):
            self.wake_to_write()
        if isinstance(symbols, str):
            return self.register_one(symbols)
        return np.array([self.register_one(symbol) for symbol in symbols], np.int32)

    def _consumer(self, name, full, full_timeout_s):
        """Register a consumer that holds the ring."""
        if not is_open(&self.state):
            self.wake_to_write()
        return HoldingConsumer(self.holders, name, full, full_timeout_s)

    def _reset_stats(self):
        """Zero message counters, errors, windows, histogram and batch counts; prices, symbols and sequence stay.

        Threads: any; an update that runs at the same moment may count before or after. Cost: microseconds.
        """
        self.begin_update()
        self.zero_counts()
        end_short(&self.state)

    cdef int zero_counts(self) except -1:
        cdef Handle* handle
        cdef size_t i, k
        for i in range(<size_t>HANDLE_COUNT):
            handle = segment_handle(self.state.layout, i)
            histogram_reset(segment_histogram(self.state.layout, i))
            for k in range(<size_t>REASON_COUNT):
                store_relaxed(&handle.errors[k], 0)
            window_reset(&handle.processed, &handle.position)
            store_relaxed(&handle.out_of_order, 0)
            store_relaxed(&handle.batches, 0)
            store_relaxed(&handle.batch_rows, 0)
            store_relaxed(&handle.batch_ns, 0)
        self.segment.header.reset_ns = clock_ns(CLOCK_WALL)
        self.segment.header.reset_steady_ns = clock_ns(CLOCK_STEADY)
        return 0

    def _gather(self, pool):
        """Return Metrics of everything that the segment counts; `pool` goes in as it is."""
        cdef const Layout* layout
        if not is_open(&self.state):
            self.wake()
        layout = self.state.layout
        return gather_metrics(
            layout, house_throughput(&self.house, processed_of(layout), counted_since_s(layout)),
            house_cpu_percent(&self.house), pool)

    def _record_latency(self, latency_ns):
        """Put one sample into the engine's own window (benchmarks and tests of `metrics`)."""
        cdef uint64_t sample_ns = latency_ns
        self.begin_update()
        count_one(&self.meter, sample_ns)
        end_short(&self.state)
