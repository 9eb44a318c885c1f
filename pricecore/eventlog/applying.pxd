"""Records of a log into a segment: names, slots and ring become what they were behind the last record.

Source      ours; the stores follow the protocol of prices/slot.pxd and delivery/ring.pxd.
Contract    records come with ascending sequences, and may lack some: what is missing becomes VOID in the ring. They
            are not trusted: what no engine can have written is refused by a Verdict, with nothing of that record
            stored and nothing written elsewhere. A record may be applied again, and a slot may hold a later one already
            (that of a snapshot): the highest sequence wins, as between the threads of an engine.
            Unless the target is TARGET_SHARED nobody else writes the segment. Where others do, the caller has taken
            the tickets up to `last`, has waited until their cells are free, and holds the symbol table's lock when
            names may come; behind a refused record it publishes the rest of its tickets (void_rest).
Progress    wait-free when alone; else a slot is waited for as by any update. Nothing is waited for while one is held.
Invariants  `position` is the last sequence that went in: behind it every ticket of the last lap is published.
Orderings   those of the rooms below: ticket_follow is ring_claim_alone's release of the ticket with its fence.
            A record's bytes may change while they are read (a mapped file): what is judged is loaded once.
"""

cimport numpy as cnp
from libc.stdint cimport uint64_t

from pricecore.delivery.ring cimport Ring, ring_cell, ring_of, ring_publish, ring_sequence, ring_void
from pricecore.prices.slot cimport (
    Copy, Hold, Slot, copy_complete, slot_free, slot_pair, slot_restore, slot_take, slot_take_alone,
)
from pricecore.prices.symbols cimport NameTable, name_count, name_table_of
from pricecore.primitives.atomics cimport fence_release, likely, load_relaxed, store_payload, store_release, unlikely
from pricecore.primitives.segment cimport Layout, segment_at
from pricecore.types cimport Record

cdef enum Verdict:                  # VERDICTS in applying.pyx has a sentence for each
    APPLIED = 0
    NOT_ASCENDING = 1
    UNKNOWN_KIND = 2
    UNKNOWN_SYMBOL = 3
    ID_NOT_NEXT = 4
    NAME_LENGTH = 5
    NAME_NOT_UTF8 = 6
    NAME_TAKEN = 7
    NAME_DIFFERS = 8
    TABLE_FULL = 9                  # no damage: the segment is too small

cdef enum TargetMode:               # what of the stream is written beside names and slots
    TARGET_STATE = 0                # nothing
    TARGET_LOADING = 1              # the ticket counter follows the records; the ring is left for later
    TARGET_ALONE = 2                # the ticket counter follows, and the ring is filled
    TARGET_SHARED = 3               # the ring is filled, beside others; the caller has the tickets

cdef struct Target:                 # where records go
    NameTable names
    Slot* slots
    Ring ring
    TargetMode mode
    uint64_t position               # the last sequence that went in


cdef inline Target target_of(const Layout* layout, TargetMode mode) noexcept nogil:
    """A target behind the segment's newest ticket."""
    cdef Target target
    target.names = name_table_of(layout)
    target.slots = <Slot*>segment_at(layout, layout.offsets.slots)
    target.ring = ring_of(layout)
    target.mode = mode
    target.position = ring_sequence(&target.ring)
    return target


cdef inline void ticket_follow(Ring* ring, uint64_t sequence) noexcept nogil:
    """Raise the ticket counter before the cells of these sequences change: who copied a word of them sees it."""
    if sequence > load_relaxed(ring.ticket):
        store_release(ring.ticket, sequence)        # pairs with ring_sequence
        fence_release()


cdef inline bint has_stream(const Target* target) noexcept nogil:
    return target.mode >= TARGET_ALONE


cdef inline void void_between(Target* target, uint64_t end, uint64_t last) noexcept nogil:
    """Publish as VOID what is missing before `end`."""
    cdef uint64_t first = target.position + 1
    if last >= target.ring.capacity:
        first = max(first, last - target.ring.capacity + 1)
    while first < end:
        ring_void(&target.ring, first)
        first += 1


cdef inline void stream_one(Target* target, uint64_t sequence, const uint64_t* record) noexcept nogil:
    store_payload(ring_cell(&target.ring, sequence), record)
    ring_publish(&target.ring, sequence)


cdef inline void take(Target* target, Copy* pair, Hold* hold) noexcept nogil:
    if target.mode == TARGET_SHARED or unlikely(not slot_take_alone(pair, hold)):
        slot_take(pair, hold)


cdef inline void store_state(Target* target, Copy* pair, uint64_t sequence, const uint64_t* record) noexcept nogil:
    """Store an update where there is no stream."""
    cdef Hold hold
    take(target, pair, &hold)
    if sequence > hold.newest_sequence:
        store_payload(hold.target.words, record)
        slot_free(&hold, sequence)
    else:
        slot_restore(&hold)


cdef inline void store_update(Target* target, Copy* pair, uint64_t sequence, const uint64_t* record) noexcept nogil:
    """Store and publish an update, in the order of engine/hotpath.pxd: publish_held, and publish_behind."""
    cdef Hold hold
    take(target, pair, &hold)
    if unlikely(sequence <= hold.newest_sequence):
        slot_restore(&hold)
        stream_one(target, sequence, record)
        return
    store_payload(ring_cell(&target.ring, sequence), record)
    store_payload(hold.target.words, record)
    copy_complete(hold.target, sequence)
    ring_publish(&target.ring, sequence)
    slot_free(&hold, sequence)


cdef Verdict apply_records(
    Target* target, const Record* records, uint64_t n, uint64_t last, uint64_t* applied) noexcept nogil
cdef void void_rest(Target* target, uint64_t last) noexcept nogil
cdef cnp.ndarray as_records(object records)
cdef object damaged(Verdict verdict, uint64_t sequence, uint64_t index, object where)
