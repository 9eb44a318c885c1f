"""Mends a segment whose writers stopped in mid-update: killed, or left behind by a fork.

Contract    no writer is alive. Readers may be reading all the while. A segment that another process left is first
            asked for its damage: only what a writer can have left open is mended.
Invariants  afterwards no copy of a slot carries a bit, every ticket of the last lap is published, every registered
            symbol has its SYMBOL record there, and the index leads to no other names. What was complete in a slot is
            published; what was not is gone, as if the update had not been made.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pricecore.delivery.ring cimport Ring, cell_stamp, ring_cell, ring_of, ring_publish, ring_sequence
from pricecore.delivery.symbol_record cimport SymbolRecord, fill_symbol_record
from pricecore.prices.slot cimport (
    EMPTIED, HELD, SEQUENCE, WORD_RECEIVED, WRITING, Copy, Slot, copy_free, copy_word, slot_pair, slot_read_word,
)
from pricecore.prices.symbols cimport (
    NameTable, index_entry, index_publish, name_count, name_hash, name_table_of,
)
from pricecore.primitives.atomics cimport store_payload
from pricecore.primitives.segment cimport (
    CURSOR_COUNT, FIGURE_COUNT, HANDLE_COUNT, Cursor, Layout, NameEntry, segment_at, segment_handle,
    segment_is_unfinished,
)
from pricecore.types cimport KIND_VOID, NAME_BYTES, RECORD_WORDS, record_head


cdef uint64_t[RECORD_WORDS] NOTHING = [0, 0, 0, 0, 0, 0, 0, 0]


cdef void publish_missing(Ring* ring, uint64_t sequence, const uint64_t* words) noexcept nogil:
    """Write a record to its cell unless it is there, or a lap has passed. `words` are 1 to 7 of the record."""
    cdef uint64_t* cell = ring_cell(ring, sequence)
    if sequence == 0 or sequence + ring.capacity <= ring_sequence(ring) or cell_stamp(cell) >= sequence:
        return
    store_payload(cell, words)
    ring_publish(ring, sequence)


cdef void repair_copy(Ring* ring, Copy* copy, const Copy* other) noexcept nogil:
    """Publish what is complete, empty what is not. EMPTIED tells a reader that the other copy has a record."""
    cdef uint64_t word = copy_word(copy)
    if word & WRITING:
        store_payload(copy.words, NOTHING)
        copy_free(copy, EMPTIED if copy_word(other) & SEQUENCE else 0)
    elif word & HELD:
        publish_missing(ring, word & SEQUENCE, copy.words)
        copy_free(copy, word & SEQUENCE)


cdef void repair_symbols(const Layout* layout, Ring* ring) noexcept nogil:
    cdef const NameEntry* names = <const NameEntry*>segment_at(layout, layout.offsets.names)
    cdef Slot* slots = <Slot*>segment_at(layout, layout.offsets.slots)
    cdef SymbolRecord record
    cdef uint64_t i
    cdef int k
    for i in range(layout.header.symbol_count.value):
        fill_symbol_record(&record, names[i].sequence, i, names[i].name, names[i].length)
        publish_missing(ring, names[i].sequence, <const uint64_t*>&record)
        for k in range(4):
            repair_copy(ring, &slots[i].copies[k], &slots[i].copies[k ^ 1])


cdef void repair_index(const Layout* layout) noexcept nogil:
    """Drop the entry of a name that did not count. Additions take turns: nothing was added behind it."""
    cdef uint32_t* index = <uint32_t*>segment_at(layout, layout.offsets.name_index)
    cdef uint64_t i
    for i in range(2 * layout.geometry.max_symbols):
        if index_entry(&index[i]) > layout.header.symbol_count.value:
            index_publish(&index[i], 0)


cdef void repair_ring(Ring* ring) noexcept nogil:
    """Publish the tickets that are left as VOID."""
    cdef uint64_t last = ring_sequence(ring)
    cdef uint64_t sequence = last - ring.capacity if last > ring.capacity else 0
    cdef uint64_t words[RECORD_WORDS]
    cdef int i
    for i in range(RECORD_WORDS):
        words[i] = 0
    words[1] = record_head(0, KIND_VOID, 0)
    while sequence < last:
        sequence += 1
        publish_missing(ring, sequence, words)


cdef void free_handles(const Layout* layout) noexcept nogil:
    """Forget the writer threads and the consumers of a process that is gone."""
    cdef Cursor* cursors = <Cursor*>segment_at(layout, layout.offsets.cursors)
    cdef size_t i
    for i in range(<size_t>HANDLE_COUNT):
        segment_handle(layout, i).in_use = 0
    for i in range(<size_t>CURSOR_COUNT):
        cursors[i].in_use = 0
    layout.header.limit.value = <uint64_t>-1


cdef int64_t newest_received_ns(const Layout* layout) noexcept nogil:
    """Return when the newest stored record was taken; 0: there is none."""
    cdef Slot* slots = <Slot*>segment_at(layout, layout.offsets.slots)
    cdef uint64_t received = 0, newest = 0
    cdef uint64_t i
    cdef int kind
    for i in range(min(layout.header.symbol_count.value, layout.geometry.max_symbols)):
        for kind in range(2):
            if slot_read_word(slot_pair(&slots[i], kind), WORD_RECEIVED, &received):
                newest = max(newest, received)
    return <int64_t>newest


cdef void repair_segment(const Layout* layout) noexcept nogil:
    cdef Ring ring = ring_of(layout)
    repair_symbols(layout, &ring)
    repair_index(layout)
    repair_ring(&ring)


cdef bint names_are_sound(const Layout* layout, uint64_t last) noexcept nogil:
    cdef const NameEntry* names = <const NameEntry*>segment_at(layout, layout.offsets.names)
    cdef uint64_t i
    for i in range(layout.header.symbol_count.value):
        if not 0 < names[i].length <= <uint64_t>NAME_BYTES or names[i].sequence > last:
            return False
    return True


cdef bint is_indexed(const NameTable* names, uint64_t symbol_id) noexcept nogil:
    """The index leads to this id and to none before it, also when the entry of a name that did not count is gone."""
    cdef const NameEntry* name = &names.names[symbol_id]
    cdef const NameEntry* other
    cdef uint64_t i = name_hash(name.name, name.length)
    cdef uint32_t entry
    while True:
        entry = index_entry(&names.index[i & names.index_mask])
        if entry == 0 or entry > name_count(names):
            return False
        if entry == symbol_id + 1:
            return True
        other = &names.names[entry - 1]
        if other.length == name.length and memcmp(other.name, name.name, name.length) == 0:
            return False
        i += 1


cdef bint index_is_sound(const Layout* layout) noexcept nogil:
    """It holds each name once, and at most one more: that of a writer that died before its name counted. So it has
    room, and no search goes on for ever."""
    cdef NameTable names = name_table_of(layout)
    cdef uint64_t i, used = 0, count = name_count(&names)
    for i in range(names.index_mask + 1):
        used += index_entry(&names.index[i]) != 0
    if used > count + 1:
        return False
    for i in range(count):
        if not is_indexed(&names, i):
            return False
    return True


cdef bint slots_are_sound(const Layout* layout, uint64_t last) noexcept nogil:
    cdef const Slot* slots = <const Slot*>segment_at(layout, layout.offsets.slots)
    cdef uint64_t i
    cdef int k
    for i in range(layout.header.symbol_count.value):
        for k in range(4):
            if copy_word(&slots[i].copies[k]) & SEQUENCE > last:
                return False
    for i in range(layout.header.symbol_count.value, layout.geometry.max_symbols):
        for k in range(4):
            if copy_word(&slots[i].copies[k]):          # no symbol has had it yet: one who takes it would wait, or lose
                return False
    return True


cdef bint ring_is_sound(const Ring* ring, uint64_t last) noexcept nogil:
    """Every cell holds a sequence of its own, of this lap or of one before."""
    cdef uint64_t i, stamp
    for i in range(ring.capacity):
        stamp = cell_stamp(ring.cells + i * RECORD_WORDS)
        if stamp > last or (stamp and (stamp - 1) & ring.mask != i):
            return False
    return True


cdef const char* damage_of(const Layout* layout) noexcept nogil:
    """Return what no writer can have left like this, or NULL. With it an update would hang or write elsewhere."""
    cdef Ring ring = ring_of(layout)
    cdef uint64_t last = ring_sequence(&ring)
    if last >= SEQUENCE // 2:
        return "its sequence"
    if layout.header.symbol_count.value > layout.geometry.max_symbols or not names_are_sound(layout, last):
        return "its symbols"
    if not index_is_sound(layout):
        return "its index of symbols"
    if layout.header.figure_count.value > <uint64_t>FIGURE_COUNT:
        return "its figures"
    if not slots_are_sound(layout, last):
        return "its prices"
    if not ring_is_sound(&ring, last):
        return "its ring"
    if segment_is_unfinished(layout):
        return "it was not yet filled from its log, which PriceEngine(name, log=...) does"
    return NULL
