"""The compiled engine: birth, housekeeping, repair after a fork, death."""

import errno
import os

cimport cython
from libc.math cimport INFINITY
from libc.stdint cimport INT64_MAX, uint64_t

from pricecore.delivery.holding cimport HolderTable, holders_detach
from pricecore.delivery.holding_consumer cimport HoldingConsumer
from pricecore.delivery.ring cimport ring_of
from pricecore.delivery.subscription_core cimport SubscriptionCore
from pricecore.engine.cache_figures cimport CacheFigures, forget_figures
from pricecore.engine.closing cimport close_writers, end_short, forget_writers, has_finished, is_written
from pricecore.engine.gather cimport counted_since_s, gather_metrics, processed_of
from pricecore.engine.hotpath cimport CLOSED, FOREIGN, FORKED, OPEN, count_one, is_open, meter_of, set_status
from pricecore.engine.house cimport (
    house_add_cache, house_begin, house_begin_child, house_cpu_percent, house_end, house_throughput,
)
from pricecore.engine.repair cimport damage_of, free_handles, newest_received_ns, repair_segment
from pricecore.engine.subscription_figures cimport SubscriptionFigures
from pricecore.metrics.histogram cimport HISTOGRAM_WORDS, histogram_reset
from pricecore.metrics.latency cimport window_reset
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport FREE_THREADED, backoff, store_relaxed
from pricecore.primitives.clock cimport CLOCK_STEADY, CLOCK_WALL, clock_ns
from pricecore.primitives.descriptor cimport Descriptor
from pricecore.primitives.segment cimport (
    HANDLE_COUNT, Handle, Layout, Line, segment_at, segment_handle, segment_histogram,
)
from pricecore.primitives.waiting cimport WaitRoom, wake_to_close
from pricecore.types cimport REASON_COUNT

from pricecore.delivery.subscription import Subscription
from pricecore.engine.recovering import new_log, open_log, restore_from_log, segment_beside_log
from pricecore.engine.subscription_names import subscriptions_in
from pricecore.errors import SegmentError, WrongProcessError
from pricecore.primitives import housekeeping
from pricecore.primitives.segment_file import has_writer
from pricecore.primitives.wait_file import make_wait_file


@cython.no_gc_clear             # as Reader
cdef class EngineCore(Registrar):
    """What `PriceEngine` is made of; see there."""

    def __cinit__(self, *_, **__):
        self.state = self.engine[0]     # closed, with a clock that may be read
        self.state.gate = &self.state.status
        self.cache_figures = []
        if FREE_THREADED:
            self.state.writers = <Line*>aligned_zeroed(HANDLE_COUNT * sizeof(Line))
            if self.state.writers == NULL:
                raise MemoryError("no memory for an engine")
        self.engine = &self.state

    def _open(self, *, name, max_symbols, ring_capacity, latency_window, pool, permissions, resume,
              allow_nonpositive, drop_out_of_order, max_future_ns, raise_bad, log=None):
        """Make the segment, or take it over, and open the engine; once in its life."""
        if self.segment is not None:
            raise RuntimeError("this engine was initialised before; make a new one")
        self.state.rules.least_price = -INFINITY if allow_nonpositive else 0.0
        self.state.rules.max_future_ns = INT64_MAX if max_future_ns is None else max_future_ns
        self.state.drop_out_of_order = drop_out_of_order
        self.raise_bad = raise_bad
        sizes = {"max_symbols": max_symbols, "ring_capacity": ring_capacity, "latency_window": latency_window,
                 "histogram_words": HISTOGRAM_WORDS}
        opened = None if log is None else open_log(log)
        try:
            self.segment = segment_beside_log(name, sizes, permissions, resume, opened)
            self.fit_out(name, pool, opened)
            if opened is not None:
                self.begin_log(opened, log)
        except BaseException:
            self.give_up()
            if opened is not None:
                opened.close()
            raise
        self.meter.handle.in_use = 1
        set_status(&self.state, OPEN)

    cdef int fit_out(self, object name, BufferPool pool, object opened) except -1:
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
        self.state.bell = &self.waits.bell
        self.meter = meter_of(self.engine, 0)
        if opened is not None and (self.segment.file is None or self.segment.file.fresh):
            restore_from_log(self.segment, opened)
        self.subscriptions = SubscriptionFigures(self.segment)
        self.resume()
        self.holders = HolderTable(self.segment)
        return 0

    cdef int begin_log(self, object opened, object options) except -1:
        """Begin to log behind the last record that the log has; the ring may hold later ones."""
        self.log = new_log(self.holders, self.symbol_table, opened, options)
        self.log._start(opened.last_sequence)
        return 0

    cdef void give_up(self) noexcept:
        """Free the name at once: what failed may be kept alive by its traceback."""
        house_end(&self.house)
        if self.log is not None:
            with nogil:
                self.log.stop()
        if self.segment is not None:
            self.free_name()

    cdef int resume(self) except -1:
        """Start the clock; after another writer first mend what it left open, and begin the counts anew."""
        cdef bint resumed = self.segment.file is not None and not self.segment.file.fresh
        if resumed:
            self.refuse_damage()
            repair_segment(self.state.layout)
            free_handles(self.state.layout)
            forget_figures(self.state.layout)
            self.zero_counts()
            self.segment.header.created_ns = self.segment.header.reset_ns
            self.segment.header.created_steady_ns = self.segment.header.reset_steady_ns
        house_begin(
            &self.house, self.engine, self.segment, self.buffers, &self.subscriptions.groups,
            newest_received_ns(self.state.layout))
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
        aligned_free(self.state.writers)

    cdef int wake(self) except -1:
        """Called when the engine is not simply open: repair it in a forked child, or say that it is closed."""
        if self.state.status == FORKED:
            self.repair()
            return 0
        if self.state.status == FOREIGN:
            return 0
        return Registrar.wake(self)

    cdef int wake_to_write(self) except -1:
        if self.state.status == FOREIGN:
            raise WrongProcessError(
                f"process {self.segment.writer_pid} writes this engine's segment{' and log' if self.log else ''}, this "
                f"is its child {os.getpid()}: it can read here; let the parent write, or make an engine with a name of "
                f"its own")
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
        forget_writers(&self.state)
        if self.holders is None:                # it is not open
            return
        self.holders.after_fork(self.segment.file is None)
        if self.is_bound():
            if not self.holders.holders.detached:       # else closed; a thread that was just closing it is not here
                self.state.status = FOREIGN
                house_end(&self.house)
        elif self.state.status == OPEN:
            self.state.status = FORKED
            house_begin_child(&self.house)

    def close(self):
        """Close the engine. Single updates in other threads finish, batches stop, at the latest after 64 rows, and
        raise EngineClosedError, which says how many rows were stored; so do later calls.

        Threads: any, and signal handlers; whichever call returns, the engine is closed and its name free. Cost: waits
        for the housekeeping thread and for what batches have begun (microseconds), without the GIL. The memory stays
        until the last user lets go; a named segment stays for its readers and for the next writer.
        """
        if self.state.status == FOREIGN:
            self.wake_to_write()
        if self.holders is None:                    # it was never open
            return
        # From here on runs no Python: no signal handler cuts it short. Every step may be taken by another call, too.
        close_writers(&self.state)
        with nogil:
            self.await_writers()
        house_end(&self.house)
        if self.log is not None:
            with nogil:
                self.log.stop()                     # behind the last record
        holders_detach(&self.holders.holders)       # the next writer waits for nobody here
        self.free_name()
        # Who waits sees that nothing will come any more.
        wake_to_close(self.waits.page, &self.waits.bell)

    cdef bint is_bound(self) noexcept:
        """Whether this engine belongs to its process: it has a name or a log."""
        return self.segment.file is not None or self.log is not None

    cdef void free_name(self) noexcept:
        if self.segment.file is not None:
            (<Descriptor>self.segment.file).let_go()

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
        (<SubscriptionCore>subscription).join(self.subscriptions.group(subscription.name))
        return subscription

    def _check_stream(self):
        """Raise when this process will publish nothing more; not while `close` waits for what was begun."""
        if not is_open(&self.state) and has_finished(&self.state):
            self.wake_to_write()

    @property
    def closed(self):
        """True after `close`."""
        return self.state.status == CLOSED

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
        end_short(&self.state, self.index)

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

    def _gather(self, pool, caches):
        """Return Metrics of everything that the segment counts; `pool` and `caches` go in as they are."""
        cdef const Layout* layout
        if not is_open(&self.state):
            self.wake()
        layout = self.state.layout
        alive = self._has_writer()
        # A child's followers do not follow: its parent's do, and the parent tells.
        subscriptions = (
            subscriptions_in(self.segment.figures(), alive) if self.state.status == FOREIGN
            else self.subscriptions.stats())
        return gather_metrics(
            layout, house_throughput(&self.house, processed_of(layout), counted_since_s(layout)) if alive else 0.0,
            house_cpu_percent(&self.house) if alive else 0.0, pool, caches, subscriptions)

    def _has_writer(self):
        """Whether a process writes what this engine reads: in a forked child the parent may, or the next of its name.

        Threads: any. Cost: none; in a forked child three system calls.
        """
        if self.state.status != FOREIGN:
            return self.state.status != CLOSED
        file = self.segment.file                # None: the child's memory is a copy, to which the parent writes nothing
        return file is not None and not self.segment.superseded and has_writer(file.path)

    def _add_cache(self, name, cache):
        """Write a cache's figures once a second, and now, for views."""
        cdef CacheFigures figures
        if not is_open(&self.state):
            self.wake_to_write()
        figures = CacheFigures(self.segment, name, cache)
        self.cache_figures.append(figures)
        house_add_cache(&self.house, &figures.node)

    def _record_latency(self, latency_ns):
        """Put one sample into the engine's own window (benchmarks and tests of `metrics`)."""
        cdef uint64_t sample_ns = latency_ns
        self.begin_update()
        count_one(&self.meter, sample_ns)
        end_short(&self.state, self.index)
