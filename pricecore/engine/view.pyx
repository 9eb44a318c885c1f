"""Reading a named segment from any process: mapped read-only, nothing of it believed that was not checked."""

import errno
import threading
from functools import partial
from math import isfinite

cimport cython
from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.ring cimport ring_of
from pricecore.delivery.subscription_core cimport SubscriptionCore
from pricecore.engine.gather cimport gather_metrics
from pricecore.engine.hotpath cimport CLOSED, OPEN, is_open
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.atomics cimport load_relaxed, store_relaxed
from pricecore.primitives.clock cimport CLOCK_STEADY, CLOCK_WALL, clock_ns
from pricecore.primitives.segment cimport Segment
from pricecore.primitives.waiting cimport WaitRoom, wake_to_close

from pricecore.delivery.subscription import Subscription
from pricecore.errors import EngineClosedError, SegmentError, WriterDiedError
from pricecore.engine.cache_names import caches_in
from pricecore.engine.log_figures import log_in
from pricecore.engine.subscription_names import subscriptions_in
from pricecore.primitives.named_segment import read_segment
from pricecore.primitives.pool_stats import PoolStats
from pricecore.primitives.segment_file import is_current
from pricecore.primitives.segment_names import wait_path
from pricecore.primitives.wait_file import file_id, open_wait_file

POOL_COUNTS = [name for name in PoolStats._fields if name != "utilization"]


def check_writer(view, segment):
    """Raise when nothing will be published to this segment, or not to this view."""
    if view.closed:
        raise EngineClosedError("the view of this subscription is closed")
    if segment.superseded:
        raise WriterDiedError(
            f"the segment of {view.name!r} was removed, or another engine took the name with one of its own; subscribe "
            f"again, once view.alive")
    if not segment.file.alive:
        raise WriterDiedError(
            f"process {segment.writer_pid}, which wrote {view.name!r}, is gone; its prices stay readable, and the next "
            f"writer of this name continues its stream")


cdef enum:
    FIRST_PAUSE_NS = 100_000        # between two looks at a name that leads nowhere new; doubled each time
    MAX_DOUBLINGS = 9               # so 51 ms

cdef uint64_t CLOSED_GATE = CLOSED


cdef inline uint64_t next_look_ns(const uint64_t* when) noexcept nogil:
    """Pairs with nothing: who reads an old one looks too often or a little late."""
    return load_relaxed(when)


cdef inline void plan_look(uint64_t* when, uint64_t at_ns) noexcept nogil:
    store_relaxed(when, at_ns)


# Whatever a call uses of a segment it reaches by one reference of its own, to the Segment or to its SymbolTable: what a
# view leaves behind goes with the last call or subscription in it. Nothing comes between loading a reference and
# counting it: with the GIL no thread, without it none that changes what the view reads from. `lock` is for who follows
# the name; what changes then, changes within the view's critical section, and who does not have the lock loads there.
@cython.no_gc_clear             # as Reader
cdef class ViewCore(Reader):
    """What `EngineView` is made of; see there."""

    def __cinit__(self, *_, **__):
        self.status = CLOSED
        self.moves = True

    def _open(self, name, owner):
        """Attach; once in its life."""
        if self.lock is not None:
            raise RuntimeError("this view was initialised before; make a new one")
        segment = read_segment(name, owner)
        self.name = name
        self.owner = owner
        self.lock = threading.Lock()
        self.look_at(segment)
        self.status = OPEN

    cdef int look_at(self, object segment) except -1:
        """Read from this segment from now on. Its header says when a newer one has taken the name: that is the gate."""
        cdef Segment found = segment
        cdef SymbolTable symbols = SymbolTable(found)
        cdef uint64_t seen = 0 if self.segment is None else self.passed + <uint64_t>self.segment.generation
        cdef uint64_t counted = found.generation
        # A removed name begins at 1 again. Whoever watches the generation must still learn of the other symbols.
        self.passed = seen + 1 - counted if seen + 1 > counted else 0
        with cython.critical_section(self):
            self.place.status = OPEN
            self.place.gate = &found.header.superseded
            self.place.layout = &found.layout
            self.place.clock = &found.header.clock
            self.place.slots = symbols.slots
            self.place.ring = ring_of(&found.layout)
            self.engine = &self.place
            # What is left goes when this returns: a file that is let go runs Python.
            found, self.segment = self.segment, found
            symbols, self.symbol_table = self.symbol_table, symbols
            _waits, self.waits = self.waits, None
        return 0

    cdef int wake(self) except -1:
        """Follow the name to a newer segment, or say that the view is closed.

        While the name leads to no newer one, not every call looks at the file system: the last prices may be read
        100 ns apart, and for long.
        """
        if self.status == OPEN and <uint64_t>clock_ns(CLOCK_STEADY) < next_look_ns(&self.look_ns):
            return 0
        return self.look()

    cdef int look(self) except -1:
        """As `wake`, at once."""
        if self.status == OPEN:
            with self.lock:
                if self.status == OPEN and not is_open(self.engine):
                    self.follow()
        if self.status == CLOSED:           # also meanwhile
            raise EngineClosedError("this view is closed; call attach() again")
        return 0

    cdef int follow(self) except -1:
        """Go on to the segment that has the name now. While that is none, or still the old one, the old one stays.

        A segment may be superseded and still have the name: its next writer died, or is about to take it.
        """
        if not is_current(self.segment.file):
            try:
                segment = read_segment(self.name, self.owner)
            except SegmentError as error:
                if error.errno != errno.ENOENT:
                    raise
            else:
                self.look_at(segment)
                self.looks = 0
                plan_look(&self.look_ns, 0)
                return 0
        # First soon: in a take-over the name follows within microseconds.
        plan_look(&self.look_ns, <uint64_t>clock_ns(CLOCK_STEADY) + (<uint64_t>FIRST_PAUSE_NS << self.looks))
        self.looks = min(self.looks + 1, <unsigned>MAX_DOUBLINGS)
        return 0

    cdef Segment newest_segment(self):
        """Return the segment that has the name, looking at once; the last one while there is none."""
        cdef Segment segment
        cdef bint is_newest
        with cython.critical_section(self):
            is_newest, segment = is_open(self.engine), self.segment
        if not is_newest:
            self.look()
            with cython.critical_section(self):
                segment = self.segment
        if segment is None:
            raise EngineClosedError("this view was closed in this moment")
        return segment

    def _forget_lock(self):
        """Called in the child, right after a fork: the thread that held the lock may not be here."""
        self.lock = threading.Lock()

    cdef int64_t now_ns(self) noexcept:
        # Not the segment's clock: that one stands still once its writer is gone.
        return clock_ns(CLOCK_WALL)

    def _gather(self):
        """Return Metrics of what the writer counts; a writer that is gone does nothing any more."""
        cdef Segment segment = self.newest_segment()
        # Damage must not get further than its figure.
        figures = {name: value if isfinite(value) else 0.0 for name, value in segment.figures().items()}
        alive = segment.file.alive
        if not alive:
            figures |= {"throughput_per_s": 0.0, "cpu_percent": 0.0}
        capacity, available = figures.get("pool_capacity", 0.0), figures.get("pool_available", 0.0)
        pool = PoolStats(
            *(int(figures.get(f"pool_{name}", 0.0)) for name in POOL_COUNTS),
            utilization=(capacity - available) / capacity if capacity else 0.0)
        metrics = gather_metrics(
            &segment.layout, figures.get("throughput_per_s", 0.0), figures.get("cpu_percent", 0.0), pool,
            caches_in(figures), subscriptions_in(figures, alive))
        log = log_in(figures, metrics.ring.sequence)
        return metrics if log is None else metrics._replace(log=log)

    def _subscribe(self, options):
        """Return a Subscription with these options."""
        self.newest_segment()
        with self.lock:
            segment, symbols = self.segment, self.symbol_table
            waits = None if segment is None else self.room()
        if waits is None:
            raise EngineClosedError("this view was closed in this moment")
        subscription = Subscription(segment, symbols, waits, check=partial(check_writer, self, segment), **options)
        (<SubscriptionCore>subscription).follow(&self.status, NULL)
        return subscription

    cdef WaitRoom room(self):
        """Return the page that the writer looks at. Call with the lock held.

        Another file may have its name by now: one that was about to remove a segment died behind the page, and the
        next writer made a page of its own.
        """
        path = self.segment.file.path
        found = file_id(wait_path(path))            # first: replaced in between, it is opened again the next time
        if self.waits is None or found != self.page_id:
            self.waits = WaitRoom(open_wait_file(path))
            self.page_id = found if self.waits.wakes else None     # else: try again, it may have been for a moment
        return self.waits

    @property
    def alive(self):
        """True while a process that writes this engine holds it; for a next writer from the moment it has the name.

        `generation` grows a little later: when the next writer has mended what was open, and may be read.

        Threads: any. Cost: one system call; some more once the segment was removed.
        """
        return self.newest_segment().file.alive

    @property
    def generation(self):
        """How many writers this engine has had; a new one continues its prices.

        It never falls: also a writer that comes after the segment was removed makes it grow by one, in each view that
        was attached before. Threads: any. Cost: a lock for a moment.
        """
        cdef Segment segment = self.newest_segment()
        with self.lock:
            segment = self.segment or segment           # and what passed before that one
            return self.passed + <uint64_t>segment.generation

    @property
    def closed(self):
        """True after `close`."""
        return self.status == CLOSED

    def close(self):
        """End all reading; the engine does not notice.

        The memory and its descriptor go with the last call or subscription that uses them, at the latest with the view.

        Threads: any; a second call does nothing. Cost: a lock for a moment; waits for no reader.
        """
        cdef WaitRoom waits
        if self.lock is None or self.engine.gate == &CLOSED_GATE:       # it was never open, or all is done
            return
        self.status = CLOSED
        with self.lock:                                                 # a signal may come here: call it again
            with cython.critical_section(self):
                self.engine.gate = &CLOSED_GATE
                _segment, self.segment = self.segment, None             # they go when this returns
                _symbols, self.symbol_table = self.symbol_table, None
                waits, self.waits = self.waits, None
            if waits is not None:
                wake_to_close(waits.page, &waits.bell)
