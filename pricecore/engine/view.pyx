"""Reading a named segment from any process: mapped read-only, nothing of it believed that was not checked."""

import threading
from functools import partial

cimport cython
from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.ring cimport ring_of
from pricecore.delivery.subscription_core cimport SubscriptionCore
from pricecore.engine.gather cimport gather_metrics
from pricecore.engine.hotpath cimport CLOSED, OPEN, is_open
from pricecore.prices.slot cimport Slot
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.clock cimport CLOCK_WALL, clock_ns
from pricecore.primitives.segment cimport Segment, segment_at
from pricecore.primitives.waiting cimport WaitRoom

from pricecore.delivery.subscription import Subscription
from pricecore.errors import EngineClosedError, WriterDiedError
from pricecore.primitives.named_segment import read_segment
from pricecore.primitives.pool_stats import PoolStats
from pricecore.primitives.segment_file import is_current
from pricecore.primitives.wait_file import open_wait_file

POOL_COUNTS = [name for name in PoolStats._fields if name != "utilization"]


def check_writer(view, segment):
    """Raise when nothing will be published to this segment, or not to this view."""
    if view.closed:
        raise EngineClosedError("the view of this subscription is closed")
    if segment.superseded:
        raise WriterDiedError(f"another engine took the name {view.name!r} with a segment of its own; subscribe again")
    if not segment.file.alive:
        raise WriterDiedError(
            f"process {segment.writer_pid}, which wrote {view.name!r}, is gone; its prices stay readable, and the next "
            f"writer of this name continues its stream")


cdef uint64_t CLOSED_GATE = CLOSED


@cython.no_gc_clear             # as Reader
cdef class ViewCore(Reader):
    """What `EngineView` is made of; see there."""

    def __cinit__(self, *_, **__):
        self.status = CLOSED

    def _open(self, name, owner):
        """Attach; once in its life."""
        if self.segments is not None:
            raise RuntimeError("this view was initialised before; make a new one")
        segment = read_segment(name, owner)
        self.name = name
        self.owner = owner
        self.lock = threading.Lock()
        self.segments = [None] * KEPT
        self.look_at(segment)
        self.status = OPEN

    cdef int look_at(self, object segment) except -1:
        """Read from this segment from now on. Its header says when a newer one has taken the name: that is the gate."""
        cdef Segment found = segment
        cdef SymbolTable symbols = SymbolTable(found)
        cdef Engine* place
        self.turn += 1
        place = &self.places[self.turn % KEPT]
        self.segments[self.turn % KEPT] = found
        place.status = OPEN
        place.gate = &found.header.superseded
        place.layout = &found.layout
        place.clock = &found.header.clock
        place.slots = <Slot*>segment_at(&found.layout, found.layout.offsets.slots)
        place.ring = ring_of(&found.layout)
        self.segment = found
        self.waits = None
        self.symbol_table = symbols
        self.engine = place
        return 0

    cdef int wake(self) except -1:
        """Follow the name to a newer segment, or say that the view is closed."""
        if self.status == CLOSED:
            raise EngineClosedError("this view is closed; call attach() again")
        with self.lock:
            # A segment may be superseded and still have the name: its next writer died, or is about to take it.
            if not is_open(self.engine) and not is_current(self.segment.file):
                self.look_at(read_segment(self.name, self.owner))
        return 0

    def _forget_lock(self):
        """Called in the child, right after a fork: the thread that held the lock may not be here."""
        self.lock = threading.Lock()

    cdef int64_t now_ns(self) noexcept:
        # Not the segment's clock: that one stands still once its writer is gone.
        return clock_ns(CLOCK_WALL)

    def _gather(self):
        """Return Metrics of what the writer counts."""
        if not is_open(self.engine):
            self.wake()
        figures = self.segment.figures()
        capacity, available = figures.get("pool_capacity", 0.0), figures.get("pool_available", 0.0)
        pool = PoolStats(
            *(int(figures.get(f"pool_{name}", 0.0)) for name in POOL_COUNTS),
            utilization=(capacity - available) / capacity if capacity else 0.0)
        return gather_metrics(
            self.engine.layout, figures.get("throughput_per_s", 0.0), figures.get("cpu_percent", 0.0), pool)

    def _subscribe(self, options):
        """Return a Subscription with these options."""
        if not is_open(self.engine):
            self.wake()
        with self.lock:
            segment, symbols = self.segment, self.symbol_table
            if self.waits is None:
                self.waits = WaitRoom(open_wait_file(segment.file.path))
            waits = self.waits
        subscription = Subscription(segment, symbols, waits, check=partial(check_writer, self, segment), **options)
        (<SubscriptionCore>subscription).follow(&self.status, NULL)
        return subscription

    @property
    def alive(self):
        """True while the process that writes this engine holds it. Threads: any. Cost: one system call."""
        if not is_open(self.engine):
            self.wake()
        return self.segment.file.alive

    @property
    def generation(self):
        """How many writers this engine has had; a new one continues its prices. Threads: any. Cost: one load."""
        if not is_open(self.engine):
            self.wake()
        return self.segment.generation

    @property
    def closed(self):
        """True after `close`."""
        return self.status == CLOSED

    def close(self):
        """Let the segment go; the engine does not notice. Threads: any; a second call does nothing."""
        if self.status == CLOSED:
            return
        self.status = CLOSED
        with self.lock:
            self.engine.gate = &CLOSED_GATE
            self.segment.file.close()
