"""Following the ring for what is new; after a lost lap every slot is looked at. Contract: changes.pxd."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from pricecore.delivery.ring cimport cell_stamp, ring_cell, ring_overrun, ring_sequence
from pricecore.prices.slot cimport SEQUENCE, slot_pair, slot_read, slot_read_word
from pricecore.primitives.atomics cimport load_relaxed
from pricecore.types cimport KIND_QUOTE, RECORD_WORDS

cdef enum:
    WORD_ID_KIND = 1                # symbol id and kind of a record share a word
    WORD_SEQUENCE = 0


cdef bint changes_new(Changes* changes, uint64_t max_symbols) noexcept nogil:
    """Return False when there is no memory; free in any case."""
    changes.keys = KINDS * max_symbols
    changes.head = changes.count = changes.conflated = 0
    changes.wanted = NULL
    changes.delivered = <uint64_t*>calloc(changes.keys, sizeof(uint64_t))
    changes.queue = <uint32_t*>calloc(changes.keys, sizeof(uint32_t))
    changes.queued = <uint8_t*>calloc(changes.keys, sizeof(uint8_t))
    return changes.delivered != NULL and changes.queue != NULL and changes.queued != NULL


cdef void changes_free(Changes* changes) noexcept nogil:
    free(changes.delivered)
    free(changes.queue)
    free(changes.queued)
    changes.delivered = NULL
    changes.queue = NULL
    changes.queued = NULL


cdef inline void mark(Changes* changes, uint64_t symbol_id, uint64_t kind, uint64_t sequence) noexcept nogil:
    """Queue a key that has a record newer than the one taken last."""
    cdef uint64_t key = KINDS * symbol_id + kind
    if key >= changes.keys or kind > KIND_QUOTE or (changes.wanted != NULL and not changes.wanted[symbol_id]):
        return
    if changes.queued[key]:
        changes.conflated += 1
    elif sequence > changes.delivered[key]:
        changes.queued[key] = 1
        changes.queue[(changes.head + changes.count) % changes.keys] = <uint32_t>key
        changes.count += 1


cdef void mark_from_ring(Changes* changes, const Ring* ring, uint64_t* position, uint64_t last) noexcept nogil:
    """Mark what was published behind `position` and move it. What is read torn at worst marks a key without news."""
    cdef const uint64_t* cell
    cdef uint64_t word
    while position[0] < last:
        cell = ring_cell(ring, position[0] + 1)
        if cell_stamp(cell) != position[0] + 1:
            return                      # not published yet, or overwritten meanwhile: seen at the next look
        word = load_relaxed(&cell[WORD_ID_KIND])
        position[0] += 1
        mark(changes, <uint32_t>word, <uint16_t>(word >> 32), position[0])


cdef void mark_from_slots(Changes* changes, Slot* slots, uint64_t symbols) noexcept nogil:
    cdef uint64_t i, kind, sequence = 0
    for i in range(symbols):
        for kind in range(<uint64_t>KINDS):
            if slot_read_word(slot_pair(&slots[i], kind), WORD_SEQUENCE, &sequence):
                mark(changes, i, kind, sequence & SEQUENCE)


cdef void changes_follow(
    Changes* changes, const Ring* ring, uint64_t* position, Slot* slots, uint64_t symbols
) noexcept nogil:
    """Mark every key that has news up to now.

    What is a lap behind is published, and so stored, or its cell could not have been used again: after a lap was lost
    the slots tell of it, and the ring of the rest.
    """
    cdef uint64_t last = ring_sequence(ring)
    if ring_overrun(ring, position[0]):
        position[0] = last - ring.capacity
        mark_from_slots(changes, slots, symbols)
    mark_from_ring(changes, ring, position, last)


cdef uint64_t changes_take(Changes* changes, Slot* slots, uint64_t* out, uint64_t n) noexcept nogil:
    """Copy the newest records of at most n keys with news; return how many."""
    cdef uint64_t key, taken = 0
    while changes.count and taken < n:
        key = changes.queue[changes.head]
        changes.head = (changes.head + 1) % changes.keys
        changes.count -= 1
        changes.queued[key] = 0
        if slot_read(slot_pair(&slots[key // KINDS], <int>(key % KINDS)), out) and out[0] > changes.delivered[key]:
            changes.delivered[key] = out[0]
            out += RECORD_WORDS
            taken += 1
    return taken
