"""Level 5: one update in C, as a short sequence of steps, one per room.

The order of the steps (take, order check, ticket, fill, store, publish, free) is the protocol that
tests/prices/test_slot_protocol.py checks: nothing is refused after a ticket, ring order is store order for one
symbol and kind, and a reader of the slot never waits.

`publish` runs beside any other writer, with the GIL or between begin_writing and end_writing (closing.pxd).
`publish_alone` is the same sequence with stores in place of swaps. It needs the GIL, and nobody who writes without it:
whoever does has raised `writing` before it let go of the GIL. Everything else that writes slots, cells or the ticket
(a new symbol, a small batch, a repair) keeps the GIL all the while, and so does a consumer that registers. Readers
cannot tell the two apart: the same words change in the same order, behind the same fences.
"""

from libc.stdint cimport int64_t, uint16_t, uint64_t

from pricecore.delivery.ring cimport (
    NO_ROOM, TAKEN, Claim, Ring, cell_publish, ring_cell, ring_claim_alone, ring_claim_ready, ring_fill, ring_publish,
    ring_void, ring_wait_lap,
)
from pricecore.metrics.histogram cimport histogram_add
from pricecore.metrics.latency cimport window_record
from pricecore.prices.slot cimport (
    Copy, Hold, Slot, slot_free, slot_pair, slot_restore, slot_store, slot_take, slot_take_alone,
)
from pricecore.prices.validation cimport Rules, is_absent
from pricecore.primitives.atomics cimport (
    FREE_THREADED, backoff, likely, load_acquire, load_relaxed, store_payload, store_release, unlikely,
)
from pricecore.primitives.clock cimport Clock, clock_ticks, scaled
from pricecore.primitives.segment cimport Handle, Layout, Line, segment_handle, segment_histogram, segment_window
from pricecore.primitives.steps cimport (
    AT_RING_FILLED, AT_RING_PUBLISHED, AT_SLOT_FREED, AT_SLOT_STORED, AT_SLOT_TAKEN, AT_TICKET_CLAIMED, step,
)
from pricecore.primitives.waiting cimport WaitPage, wake_readers
from pricecore.types cimport FLAG_CROSSED, FLAG_NO_SOURCE_TIME, FLAG_ONE_SIDED, REASON_COUNT, Record

cdef enum Outcome:
    STORED = 1
    OUT_OF_ORDER = 2
    RING_FULL = 3

cdef enum Status:
    OPEN = 0
    CLOSED = 1
    FORKED = 2                      # a child of a private engine's process: repair before the first call
    FOREIGN = 3                     # a child of a named engine's process: it reads, and writes nothing

cdef struct Engine:                 # one process's pointers into the segment, and the rules
    uint64_t status
    const uint64_t* gate            # OPEN there lets calls pass: the status; of a view, whether it is current
    const Layout* layout
    Clock* clock
    Slot* slots
    Ring ring
    WaitPage* waits                 # of readers that sleep until something is published
    const int* bell                 # and of event loops
    Rules rules
    bint drop_out_of_order
    uint64_t writing                # calls that `close` has to wait for: closing.pxd
    Line* writers                   # the same without a GIL: a word for each writer handle

cdef struct Meter:                  # where one writer handle counts
    Handle* handle
    uint64_t* window
    uint64_t* histogram
    uint64_t window_capacity

cdef struct Tally:                  # what became of a batch
    uint64_t published              # stored, or published behind a newer one of another thread
    uint64_t out_of_order
    uint64_t refused
    uint64_t errors[REASON_COUNT]


cdef inline bint is_open(const Engine* engine) noexcept nogil:
    """Who sees OPEN sees the engine's pointers; pairs with set_status."""
    return load_acquire(engine.gate) == OPEN


cdef inline void set_status(Engine* engine, Status status) noexcept nogil:
    store_release(&engine.status, status)


cdef inline Meter meter_of(const Engine* engine, int index) noexcept nogil:
    """Return where handle `index` counts."""
    cdef Meter meter
    meter.handle = segment_handle(engine.layout, index)
    meter.window = segment_window(engine.layout, index)
    meter.histogram = segment_histogram(engine.layout, index)
    meter.window_capacity = engine.layout.geometry.latency_window
    return meter


cdef inline uint16_t quote_flags(const Record* quote) noexcept nogil:
    """The four doubles are bid, ask, bid_size, ask_size."""
    if is_absent(quote.price) or is_absent(quote.volume):
        return FLAG_ONE_SIDED
    return FLAG_CROSSED if quote.price > quote.volume else 0


cdef inline void keep_other_side(const Hold* hold, Record* quote) noexcept nogil:
    """Fill an absent side from the stored quote (the pair is held: it does not change)."""
    cdef const Record* stored = <const Record*>hold.newest
    if hold.newest_sequence == 0:
        return
    if is_absent(quote.price):
        quote.price, quote.change_24h = stored.price, stored.change_24h
    if is_absent(quote.volume):
        quote.volume, quote.reserved = stored.volume, stored.reserved
    quote.flags = (quote.flags & FLAG_NO_SOURCE_TIME) | quote_flags(quote)


cdef inline bint is_late(const Engine* engine, const Hold* hold, int64_t timestamp_ns) noexcept nogil:
    """Older than the stored one of this symbol and kind; 0 on either side is no time to compare."""
    cdef int64_t stored = <int64_t>load_relaxed(&hold.newest.words[2])
    return engine.drop_out_of_order and timestamp_ns != 0 and timestamp_ns < stored


cdef inline void publish_behind(Engine* engine, Hold* hold, const Record* record) noexcept nogil:
    """Publish a record that the slot has no use for: another thread stored one of a later ticket meanwhile."""
    slot_restore(hold)
    ring_fill(&engine.ring, <const uint64_t*>record)
    ring_publish(&engine.ring, record.sequence)


cdef inline Outcome publish_late(Engine* engine, Hold* hold, const Record* record) noexcept nogil:
    """Leave the slot as it is; a ticket that was taken before is published as VOID."""
    slot_restore(hold)
    if record.sequence:
        ring_void(&engine.ring, record.sequence)
    return OUT_OF_ORDER


cdef inline void publish_held(Engine* engine, Hold* hold, Record* record, bint partial) noexcept nogil:
    """Store and publish a record that has its slot and its ticket."""
    cdef uint64_t* cell = ring_cell(&engine.ring, record.sequence)
    step(AT_TICKET_CLAIMED)
    if partial:
        keep_other_side(hold, record)
    store_payload(cell, <const uint64_t*>record)
    step(AT_RING_FILLED)
    slot_store(hold, <const uint64_t*>record)
    step(AT_SLOT_STORED)
    cell_publish(cell, record.sequence)
    step(AT_RING_PUBLISHED)
    slot_free(hold, record.sequence)
    step(AT_SLOT_FREED)


cdef inline Outcome publish(Engine* engine, Record* record, int kind, bint partial) noexcept nogil:
    """Take the slot, check the order, take a ticket unless the record has one (its sequence), store and publish."""
    cdef Hold hold
    cdef Claim claim = TAKEN
    cdef unsigned tries = 0
    if record.sequence:
        ring_wait_lap(&engine.ring, record.sequence)
    while True:
        slot_take(slot_pair(&engine.slots[record.symbol_id], kind), &hold)
        step(AT_SLOT_TAKEN)
        if unlikely(record.sequence != 0 and record.sequence < hold.newest_sequence):
            publish_behind(engine, &hold, record)
            return STORED
        if unlikely(is_late(engine, &hold, record.timestamp_ns)):
            return publish_late(engine, &hold, record)
        if record.sequence == 0:
            claim = ring_claim_ready(&engine.ring, 1, &record.sequence)
        if likely(claim == TAKEN):
            break
        slot_restore(&hold)             # nothing is waited for while a slot is held
        if claim == NO_ROOM:
            return RING_FULL
        backoff(&tries)
    publish_held(engine, &hold, record, partial)
    return STORED


cdef inline bint is_alone(const Engine* engine) noexcept nogil:
    """Whether we, who have the GIL, are the only thread that can be writing: no batch is. Pairs with end_writing."""
    return not FREE_THREADED and load_acquire(&engine.writing) == 0


cdef inline bint publish_alone(Engine* engine, Record* record, int kind, bint partial) noexcept nogil:
    """Publish a record that has no ticket yet, with stores in place of swaps. False: nothing was done, `publish` it."""
    cdef Hold hold
    if unlikely(not is_alone(engine) or record.sequence != 0):
        return False
    if unlikely(not slot_take_alone(slot_pair(&engine.slots[record.symbol_id], kind), &hold)):
        return False
    step(AT_SLOT_TAKEN)
    if unlikely(is_late(engine, &hold, record.timestamp_ns) or not ring_claim_alone(&engine.ring, &record.sequence)):
        slot_restore(&hold)
        return False
    publish_held(engine, &hold, record, partial)
    return True


cdef inline uint64_t latency_since(const Engine* engine, uint64_t begin, uint64_t scale) noexcept nogil:
    """The ns since `begin`; a thread that moved between cores may see the counter stand still, never run back."""
    cdef uint64_t end = clock_ticks(engine.clock)
    return scaled(end - begin, scale) if end > begin else 0


cdef inline void count_one(const Meter* meter, uint64_t latency_ns) noexcept nogil:
    window_record(
        meter.window, meter.window_capacity, &meter.handle.processed, &meter.handle.position, latency_ns
    )
    histogram_add(meter.histogram, latency_ns, 1)
