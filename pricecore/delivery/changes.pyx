"""Following the ring for what is new; after a lost lap every slot is looked at. Contract: changes.pxd."""

from libc.stdint cimport UINT64_MAX, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from pricecore.delivery.ring cimport cell_stamp, ring_cell, ring_overrun
from pricecore.prices.slot cimport SEQUENCE, slot_pair, slot_read, slot_read_word
from pricecore.prices.symbols cimport NameTable, name_count
from pricecore.primitives.atomics cimport load_payload, load_relaxed
from pricecore.types cimport KIND_QUOTE, RECORD_WORDS

cdef enum:
    WORD_SEQUENCE = 0
    WORD_ID_KIND = 1                # symbol id and kind of a record share a word
    BATCH = 256                     # cells that are looked at, or copied, between two looks at the ticket counter


cdef bint changes_new(Changes* changes, uint64_t max_symbols) noexcept nogil:
    """Return False when there is no memory; free in any case."""
    changes.keys = KINDS * max_symbols
    changes.newest = <uint64_t*>calloc(changes.keys, sizeof(uint64_t))
    changes.queue = <uint32_t*>calloc(changes.keys, sizeof(uint32_t))
    changes.queued = <uint8_t*>calloc(changes.keys, sizeof(uint8_t))
    return changes.newest != NULL and changes.queue != NULL and changes.queued != NULL


cdef void changes_free(Changes* changes) noexcept nogil:
    free(changes.newest)
    free(changes.queue)
    free(changes.queued)
    changes.newest = NULL
    changes.queue = NULL
    changes.queued = NULL


cdef inline bint is_judged(const Changes* changes, uint64_t symbol_id) noexcept nogil:
    return changes.wanted == NULL or symbol_id < changes.judged


cdef inline bint is_wanted(const Changes* changes, uint64_t symbol_id) noexcept nogil:
    return changes.wanted == NULL or (symbol_id < changes.judged and changes.wanted[symbol_id])


cdef inline void mark(Changes* changes, uint64_t symbol_id, uint64_t kind, uint64_t sequence) noexcept nogil:
    """Queue a key that has a record newer than the one taken last."""
    cdef uint64_t key = KINDS * symbol_id + kind
    if kind > KIND_QUOTE or key >= changes.keys or not is_wanted(changes, symbol_id):
        return
    if sequence <= changes.newest[key]:
        changes.conflated += sequence < changes.newest[key]
        return
    changes.newest[key] = sequence
    if changes.queued[key]:
        changes.conflated += 1
        return
    changes.queued[key] = 1
    changes.queue[(changes.head + changes.count) % changes.keys] = <uint32_t>key
    changes.count += 1


cdef uint64_t look_at_cells(const Ring* ring, uint64_t position, uint64_t n, uint64_t* words) noexcept nogil:
    """Copy id and kind of up to n records behind `position`, as far as they are published; return how many."""
    cdef const uint64_t* cell
    cdef uint64_t i
    for i in range(n):
        cell = ring_cell(ring, position + i + 1)
        if cell_stamp(cell) != position + i + 1:
            return i
        words[i] = load_relaxed(&cell[WORD_ID_KIND])
    return n


cdef uint64_t mark_cells(
    Changes* changes, uint64_t position, uint64_t n, const uint64_t* words, const NameTable* names
) noexcept nogil:
    """Mark n records behind `position`, up to one of a symbol that nobody has judged yet; return how many."""
    cdef uint64_t i, symbol_id
    for i in range(n):
        symbol_id = <uint32_t>words[i]
        if not is_judged(changes, symbol_id) and symbol_id < name_count(names):
            return i
        mark(changes, symbol_id, <uint16_t>(words[i] >> 32), position + i + 1)
    return n


cdef bint changes_follow(
    Changes* changes, const Ring* ring, uint64_t* position, uint64_t last, const NameTable* names
) noexcept nogil:
    """Mark every key that has news up to `last`, and move `position` over what was looked at.

    False: a symbol has to be judged first; call again after that.
    """
    cdef uint64_t words[BATCH]
    cdef uint64_t seen, marked, lost
    while position[0] < last:
        seen = look_at_cells(ring, position[0], min(last - position[0], <uint64_t>BATCH), words)
        lost = ring_overrun(ring, position[0])
        if lost:                        # what was looked at may be torn
            changes.lapped = True
            position[0] += lost
            changes.lapped_to = position[0] + ring.capacity
            continue
        if seen == 0:
            return True                 # the next record is not published yet
        marked = mark_cells(changes, position[0], seen, words, names)
        position[0] += marked
        if marked < seen:
            return False
    return True


cdef void changes_look_at_slots(
    Changes* changes, Slot* slots, uint64_t position, const NameTable* names
) noexcept nogil:
    """Mark what the slots hold and the ring no longer. Call with every symbol judged, and the follower's position."""
    cdef uint64_t i, kind, sequence = 0
    for i in range(name_count(names)):
        for kind in range(<uint64_t>KINDS):
            if slot_read_word(slot_pair(&slots[i], <int>kind), WORD_SEQUENCE, &sequence):
                sequence &= SEQUENCE
                if max(changes.floor, changes.newest[KINDS * i + kind]) < sequence <= changes.last:
                    mark(changes, i, kind, sequence)
    changes.lapped = position < min(changes.lapped_to, changes.last)


cdef uint64_t copy_cells(const Changes* changes, const Ring* ring, uint64_t* out, uint64_t n) noexcept nogil:
    """Copy the newest records of the first n keys in the queue, 0 for a sequence whose cell has another one by now.

    Return the lowest sequence of those that may be believed.
    """
    cdef uint64_t i, sequence, oldest = UINT64_MAX
    cdef const uint64_t* cell
    for i in range(n):
        sequence = changes.newest[changes.queue[(changes.head + i) % changes.keys]]
        cell = ring_cell(ring, sequence)
        out[0] = sequence if cell_stamp(cell) == sequence else 0
        load_payload(out, cell)
        oldest = min(oldest, sequence)
        out += RECORD_WORDS
    return oldest + ring_overrun(ring, oldest - 1)


cdef inline bint read_newest(Changes* changes, Slot* slots, uint64_t key, uint64_t* out) noexcept nogil:
    """Read the slot of a key whose record the ring no longer has; False: there is nothing new."""
    if not slot_read(slot_pair(&slots[key // KINDS], <int>(key % KINDS)), out):
        return False
    if not changes.newest[key] <= out[0] <= changes.last:
        return False
    changes.conflated += out[0] > changes.newest[key]
    changes.newest[key] = out[0]
    return True


cdef uint64_t take_batch(
    Changes* changes, const Ring* ring, Slot* slots, uint64_t* out, uint64_t n
) noexcept nogil:
    """Take the first n keys out of the queue; return how many records there are of them."""
    cdef uint64_t first_kept = copy_cells(changes, ring, out, n)
    cdef uint64_t i, key, taken = 0
    cdef uint64_t* record
    for i in range(n):
        key = changes.queue[changes.head]
        changes.head = (changes.head + 1) % changes.keys
        changes.queued[key] = 0
        record = out + i * RECORD_WORDS
        if record[0] < first_kept and not read_newest(changes, slots, key, record):
            continue
        if taken != i:
            memcpy(out + taken * RECORD_WORDS, record, RECORD_WORDS * sizeof(uint64_t))
        taken += 1
    changes.count -= n
    return taken


cdef uint64_t changes_take(
    Changes* changes, const Ring* ring, Slot* slots, uint64_t* out, uint64_t n
) noexcept nogil:
    """Copy the newest records of at most n keys with news; return how many."""
    cdef uint64_t taken = 0
    while changes.count and taken < n:
        taken += take_batch(
            changes, ring, slots, out + taken * RECORD_WORDS, min(changes.count, n - taken, <uint64_t>BATCH))
    return taken
