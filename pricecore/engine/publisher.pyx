"""What becomes of an update that is not simply stored. Contract: publisher.pxd."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint64_t

from pricecore.engine.closing cimport begin_short, end_short, update_begins
from pricecore.engine.hotpath cimport (
    OUT_OF_ORDER, RING_FULL, STORED, Engine, Outcome, count_one, latency_since, publish,
)
from pricecore.engine.room cimport ROOM_REFUSED, Patience, find_room
from pricecore.primitives.atomics cimport likely, owned_add, unlikely
from pricecore.primitives.clock cimport clock_read
from pricecore.primitives.waiting cimport wake_readers
from pricecore.types cimport KIND_PRICE, REASON_RING_FULL, Record

from pricecore.errors import REASONS, RingFullError
from pricecore.metrics.log import warn_throttled
from pricecore.prices.refusals import counted, refusal


cdef dict values_of(int kind, PyObject** given):
    """Return the arguments behind the symbol, by name."""
    if kind == KIND_PRICE:
        return {
            "price": <object>given[1], "volume": <object>given[2], "timestamp_ns": <object>given[3],
            "change_24h": <object>given[4]}
    return {
        "bid": <object>given[1], "ask": <object>given[2], "bid_size": <object>given[3], "ask_size": <object>given[4],
        "timestamp_ns": <object>given[5]}


cdef class Publisher(Reader):
    """Publishes beside other threads, waits for room, counts, refuses."""

    cdef int wake_to_write(self) except -1:
        """Called before writing when the engine is not simply open."""
        return self.wake()

    cdef int begin_update(self) except -1:
        """begin_short, or raise."""
        while not begin_short(self.engine, self.index):
            self.wake_to_write()
        return 0

    cdef void count_event(self, uint64_t* word) noexcept:
        """Count one in our handle, unless it may be the next writer's by now."""
        if begin_short(self.engine, self.index):
            owned_add(word, 1)
            end_short(self.engine, self.index)

    cdef object publish_shared(self, Record* record, bint partial, uint64_t begin, PyObject** given):
        """Publish beside other threads, and whatever else publish_alone leaves.

        The record of a new symbol has its ticket already: up to `publish` no Python runs, and no object is made,
        which may run the collector."""
        cdef Engine* engine = self.engine
        cdef Outcome outcome
        if unlikely(not update_begins(engine, self.index, record.sequence)):
            self.begin_update()
        outcome = publish(engine, record, record.kind, partial)
        if likely(outcome == STORED):
            wake_readers(engine.waits, engine.bell)
            count_one(&self.meter, latency_since(engine, begin, clock_read(engine.clock, begin).scale))
            end_short(engine, self.index)
            return True
        end_short(engine, self.index)
        return self.not_stored(outcome, record, partial, given)

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
            end_short(self.engine, self.index)
        return outcome

    cdef object refuse(self, int reason, int kind, PyObject** given):
        """Count a refused update, then raise, or log and return False: never both."""
        name, symbol = REASONS[reason], <object>given[0]
        self.count_event(&self.meter.handle.errors[reason])
        if self.raise_bad:
            raise self.error_of(reason, symbol, values_of(kind, given))
        warn_throttled(name, counted(name, symbol))
        return False

    cdef object error_of(self, int reason, object symbol, dict values):
        """Return the error for a refused update; that of a full ring names the consumer."""
        error = refusal(REASONS[reason], symbol, values)
        slowest = self.holders.slowest() if reason == REASON_RING_FULL else None
        if slowest is None:             # or it has left meanwhile
            return error
        return RingFullError(f"{error}: {slowest[0]!r} is {slowest[1]:,} records behind")

    cdef object not_stored(self, Outcome outcome, Record* record, bint partial, PyObject** given):
        if outcome == RING_FULL:
            outcome = self.publish_when_room(record, partial)
        if outcome == STORED:
            wake_readers(self.engine.waits, self.engine.bell)
            if begin_short(self.engine, self.index):
                # Since the call began: the hot path keeps no other moment for this.
                count_one(&self.meter, <uint64_t>max(<int64_t>0, self.now_ns() - record.received_ns))
                end_short(self.engine, self.index)
            return True
        if outcome == OUT_OF_ORDER:
            self.count_event(&self.meter.handle.out_of_order)
            return False
        return self.refuse(REASON_RING_FULL, record.kind, given)

    cdef int32_t add_symbol(self, object symbol, int* reason, uint64_t* ticket, bint patient) except -2:
        """Register a new symbol; `reason` says why it was refused. `ticket`, if wanted, gets one for its update,
        taken together with the symbol's own: an update that finds no room then has registered nothing. `patient`:
        wait for room as an update does."""
        raise NotImplementedError
