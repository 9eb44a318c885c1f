"""Slot, ring and repair without the GIL: loops that overlap, broken twins of them, and half-done updates.

Every word of a record follows from its sequence, so a torn record gives itself away.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from pricecore.delivery.ring cimport (
    NO_ROOM,
    TAKEN,
    Copied,
    Ring,
    ring_cell,
    ring_claim,
    ring_claim_ready,
    ring_copy,
    ring_copy_published,
    ring_fill,
    ring_of,
    ring_publish,
    ring_sequence,
    ring_void,
    ring_wait_lap,
)
from pricecore.engine.reader cimport Reader
from pricecore.engine.repair cimport repair_segment
from pricecore.prices.slot cimport (
    HELD,
    WRITING,
    Copy,
    Hold,
    Slot,
    copy_complete,
    copy_unchanged,
    copy_word,
    payload_word,
    slot_free,
    slot_newest,
    slot_pair,
    slot_read,
    slot_read_word,
    slot_read_word_at_rest,
    slot_restore,
    slot_store,
    slot_take,
)
from pricecore.prices.symbols cimport SymbolTable
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport (
    backoff,
    fetch_add_relaxed,
    fetch_or_acq_rel,
    load_acquire,
    load_relaxed,
    store_relaxed,
    store_release,
)
from pricecore.primitives.segment cimport Layout, Segment, segment_at
from pricecore.types cimport KIND_VOID, RECORD_WORDS

cdef extern from "atomics.h" nogil:
    void pause "pc_pause" () noexcept

cdef enum:
    MISSING_MARK = 1                # twins of the slot's writer
    MISSING_TURN = 2
    MISSING_CHECK = 1               # of its reader
    EARLY_STAMP = 1                 # of the ring's writer


cdef inline uint64_t word_of(uint64_t sequence, uint64_t i) noexcept nogil:
    return sequence * <uint64_t> 8 + i


cdef inline void make_record(uint64_t* record, uint64_t sequence) noexcept nogil:
    cdef uint64_t i
    record[0] = sequence
    for i in range(1, RECORD_WORDS):
        record[i] = word_of(sequence, i)


cdef inline bint is_torn(const uint64_t* record) noexcept nogil:
    cdef uint64_t i
    for i in range(1, RECORD_WORDS):
        if record[i] != word_of(record[0], i):
            return True
    return False


cdef inline void dawdle(int64_t pauses) noexcept nogil:
    cdef int64_t _
    for _ in range(pauses):
        pause()


# The slot

cdef inline void meet(uint64_t* arrived, uint64_t crowd) noexcept nogil:
    """Wait until all loops are here: a loop of milliseconds is over before a thread has started."""
    cdef unsigned tries = 0
    fetch_add_relaxed(arrived, 1)
    while load_relaxed(arrived) < crowd:
        backoff(&tries)


cdef class SlotBox:
    """One slot, a ticket counter, and how many loops meet here; the writers among them end the readers' loops."""

    cdef Slot* slot
    cdef Hold hold
    cdef uint64_t ticket
    cdef uint64_t writers
    cdef uint64_t crowd
    cdef uint64_t arrived

    def __cinit__(self, uint64_t writers=0, uint64_t readers=0):
        self.slot = <Slot*> aligned_zeroed(sizeof(Slot))
        self.writers = writers
        self.crowd = writers + readers
        if self.slot == NULL:
            raise MemoryError()

    def __dealloc__(self):
        aligned_free(self.slot)

    @property
    def sequence(self):
        return load_relaxed(&self.ticket)

    def words(self, int kind=0):
        """Return the first words of both copies."""
        return copy_word(&self.slot.copies[2 * kind]), copy_word(&self.slot.copies[2 * kind + 1])

    def set_word(self, int copy, uint64_t word):
        """Put a word on a copy, as a writer that was killed leaves it, or a repair."""
        store_release(&self.slot.copies[copy].words[0], word)

    def put(self, uint64_t sequence, int kind=0):
        """Take the pair and store a record of this sequence, unless a later one stands there; True: stored."""
        cdef Hold hold
        cdef uint64_t[8] record
        make_record(record, sequence)
        with nogil:
            slot_take(slot_pair(self.slot, kind), &hold)
        if sequence < hold.newest_sequence:
            slot_restore(&hold)
            return False
        slot_store(&hold, record)
        slot_free(&hold, sequence)
        return True

    def take(self):
        """Take the pair of the prices, for the four steps below; return the sequence of the newest record."""
        slot_take(slot_pair(self.slot, 0), &self.hold)
        return self.hold.newest_sequence

    def tear(self, uint64_t sequence):
        """Write half of the payload."""
        cdef int i
        for i in range(1, 4):
            store_relaxed(&self.hold.target.words[i], word_of(sequence, i))

    def store(self, uint64_t sequence):
        cdef uint64_t[8] record
        make_record(record, sequence)
        slot_store(&self.hold, record)

    def free(self, uint64_t sequence):
        slot_free(&self.hold, sequence)

    def restore(self):
        slot_restore(&self.hold)

    def get(self, int kind=0):
        """Return the eight words of the latest record, or None."""
        cdef uint64_t[8] record
        cdef bint found
        with nogil:
            found = slot_read(slot_pair(self.slot, kind), record)
        return [record[i] for i in range(8)] if found else None

    def get_word(self, int i, int kind=0):
        cdef uint64_t value = 0
        cdef bint found
        with nogil:
            found = slot_read_word(slot_pair(self.slot, kind), i, &value)
        return value if found else None

    def get_word_at_rest(self, int i, int kind=0):
        cdef uint64_t value = 0
        cdef bint found
        with nogil:
            found = slot_read_word_at_rest(slot_pair(self.slot, kind), i, &value)
        return value if found else None


cdef inline void take_badly(Copy* pair, Hold* hold, int broken) noexcept nogil:
    """Take the older copy without waiting for another writer, or without saying that it is being written."""
    cdef uint64_t first = copy_word(&pair[0]), second = copy_word(&pair[1])
    cdef uint64_t a = first & ~(WRITING | HELD), b = second & ~(WRITING | HELD)
    if a <= b:
        hold.target, hold.newest, hold.before, hold.newest_sequence = &pair[0], &pair[1], a, b
    else:
        hold.target, hold.newest, hold.before, hold.newest_sequence = &pair[1], &pair[0], b, a
    if broken == MISSING_TURN:
        store_release(&hold.target.words[0], hold.before | WRITING)


cdef inline void store_slowly(Hold* hold, const uint64_t* record, int64_t pauses) noexcept nogil:
    """slot_store, word by word with pauses, so that readers see the middle of it."""
    cdef int i
    for i in range(1, RECORD_WORDS):
        store_relaxed(&hold.target.words[i], record[i])
        dawdle(pauses)
    copy_complete(hold.target, record[0])


def write_slot(SlotBox box, int64_t count, int64_t chunk=0, int64_t pauses=0, int broken=0):
    """Store `count` records, with tickets taken one by one under the hold, or in chunks before it; return how many
    were put back since a later one stood there."""
    cdef Copy* pair = slot_pair(box.slot, 0)
    cdef Hold hold
    cdef uint64_t[8] record
    cdef uint64_t sequence = 0, last = 0
    cdef int64_t _, restored = 0
    with nogil:
        meet(&box.arrived, box.crowd)
        for _ in range(count):
            if chunk and sequence == last:
                sequence = fetch_add_relaxed(&box.ticket, chunk)
                last = sequence + chunk
            if broken:
                take_badly(pair, &hold, broken)
            else:
                slot_take(pair, &hold)
            sequence = sequence + 1 if chunk else fetch_add_relaxed(&box.ticket, 1) + 1
            if sequence < hold.newest_sequence:
                slot_restore(&hold)
                restored += 1
                continue
            make_record(record, sequence)
            if pauses:
                store_slowly(&hold, record, pauses)
            else:
                slot_store(&hold, record)
            slot_free(&hold, sequence)
        fetch_add_relaxed(&box.writers, <uint64_t> -1)
    return restored


cdef inline bint read_slowly(const Copy* pair, uint64_t* record, int64_t pauses, int broken) noexcept nogil:
    """slot_read, word by word with pauses, so that writers pass in between."""
    cdef const Copy* copy
    cdef uint64_t sequence
    cdef int i
    while True:
        copy = slot_newest(pair, &sequence)
        if copy == NULL:
            return False
        for i in range(1, RECORD_WORDS):
            record[i] = payload_word(copy, i)
            dawdle(pauses)
        if broken == MISSING_CHECK or copy_unchanged(copy, sequence):
            record[0] = sequence
            return True


def read_slot(SlotBox box, int64_t pauses=0, int broken=0):
    """Read until the writers are done: (reads, torn, older than one read before, missing after one was there)."""
    cdef Copy* pair = slot_pair(box.slot, 0)
    cdef uint64_t[8] record
    cdef uint64_t last = 0
    cdef int64_t reads = 0, torn = 0, older = 0, missing = 0
    cdef bint found
    with nogil:
        meet(&box.arrived, box.crowd)
        while load_relaxed(&box.writers):
            if pauses or broken:
                found = read_slowly(pair, record, pauses, broken)
            else:
                found = slot_read(pair, record)
            if not found:
                missing += last != 0
                continue
            reads += 1
            torn += is_torn(record)
            older += record[0] < last
            last = record[0]
    return reads, torn, older, missing


def read_word(SlotBox box, int i):
    """As read_slot for one word of the record."""
    cdef Copy* pair = slot_pair(box.slot, 0)
    cdef uint64_t value = 0, last = 0
    cdef int64_t reads = 0, torn = 0, older = 0, missing = 0
    with nogil:
        meet(&box.arrived, box.crowd)
        while load_relaxed(&box.writers):
            # As `price` reads: in one try, and in the other way what that leaves.
            if not slot_read_word_at_rest(pair, i, &value) and not slot_read_word(pair, i, &value):
                missing += last != 0
                continue
            reads += 1
            torn += value % 8 != <uint64_t> i
            older += value < last
            last = value
    return reads, torn, older, missing


# The ring

cdef class RingBox:
    """A ring of any power of two, so that laps are short; loops meet here as at a SlotBox."""

    cdef Ring ring
    cdef uint64_t* words
    cdef uint64_t writers
    cdef uint64_t crowd
    cdef uint64_t arrived

    def __cinit__(self, uint64_t capacity, uint64_t writers=0, uint64_t readers=0):
        self.writers = writers
        self.crowd = writers + readers
        self.words = <uint64_t*> aligned_zeroed(64 * (capacity + 4))
        if self.words == NULL:
            raise MemoryError()
        self.ring.ticket = self.words
        self.ring.limit = self.words + 16
        self.ring.limit[0] = <uint64_t> -1
        self.ring.cells = self.words + 32
        self.ring.capacity = capacity
        self.ring.mask = capacity - 1

    def __dealloc__(self):
        aligned_free(self.words)

    @property
    def sequence(self):
        return ring_sequence(&self.ring)

    def limit(self, uint64_t limit):
        """Let the ticket counter go no further than this."""
        store_release(self.ring.limit, limit)

    def stamps(self):
        return [load_acquire(self.ring.cells + 8 * i) for i in range(self.ring.capacity)]

    def claim(self, uint64_t n, bint ready=False):
        """Return the first sequence, or why there is none."""
        cdef uint64_t first = 0
        cdef int claim = (
            ring_claim_ready(&self.ring, n, &first) if ready else ring_claim(&self.ring, n, &first)
        )
        return first if claim == TAKEN else "no room" if claim == NO_ROOM else "not yet"

    def wait_lap(self, uint64_t sequence):
        """Wait as a batch does before each row; return the stamp that stands in the cell then."""
        cdef uint64_t stamp
        with nogil:
            ring_wait_lap(&self.ring, sequence)
            stamp = load_acquire(ring_cell(&self.ring, sequence))
        return stamp

    def fill(self, uint64_t sequence):
        """Write a claimed cell and leave before the stamp."""
        cdef uint64_t[8] record
        make_record(record, sequence)
        ring_fill(&self.ring, record)

    def publish(self, uint64_t sequence, bint void=False):
        """Fill and publish a claimed cell."""
        cdef uint64_t[8] record
        if void:
            ring_void(&self.ring, sequence)
            return
        make_record(record, sequence)
        ring_fill(&self.ring, record)
        ring_publish(&self.ring, sequence)

    def copy(self, uint64_t position, uint64_t n):
        """Return (new position, records as lists of words, lost)."""
        cdef Copied copied
        cdef list rows = []
        out = bytearray(64 * n)
        cdef char* memory = out
        copied = ring_copy(&self.ring, &position, <uint64_t*> memory, n)
        for k in range(copied.count):
            rows.append([(<uint64_t*> memory)[8 * k + i] for i in range(8)])
        return position, rows, copied.lost


cdef inline void publish_one(Ring* ring, uint64_t sequence, int64_t pauses, int broken) noexcept nogil:
    """ring_fill and ring_publish, with pauses between the words if wanted."""
    cdef uint64_t[8] record
    cdef int i
    if sequence % 7 == 0:
        ring_void(ring, sequence)
        return
    make_record(record, sequence)
    if broken == EARLY_STAMP:
        ring_publish(ring, sequence)
    if pauses:
        for i in range(1, RECORD_WORDS):
            store_relaxed(ring_cell(ring, sequence) + i, record[i])
            dawdle(pauses)
    else:
        ring_fill(ring, record)
    ring_publish(ring, sequence)


def publish_many(RingBox box, int64_t count, uint64_t chunk=1, int64_t pauses=0, int broken=0):
    """Publish `count` records; chunk 1 claims ready cells, a larger one waits for each cell. Every 7th is VOID."""
    cdef Ring* ring = &box.ring
    cdef uint64_t first = 0, k
    cdef int64_t done = 0
    cdef unsigned tries = 0
    with nogil:
        meet(&box.arrived, box.crowd)
        while done < count:
            if chunk == 1:
                tries = 0
                while ring_claim_ready(ring, 1, &first) != TAKEN:
                    backoff(&tries)
            else:
                ring_claim(ring, chunk, &first)
            for k in range(chunk):
                if chunk > 1:
                    ring_wait_lap(ring, first + k)
                publish_one(ring, first + k, pauses, broken)
            done += chunk
        fetch_or_acq_rel(&box.writers, 0)                   # what was published comes before the count
        fetch_add_relaxed(&box.writers, <uint64_t> -1)
    return done


def follow(RingBox box, uint64_t total, uint64_t batch, bint unchecked=False):
    """Read until `total` records are read or lost: (read, lost, torn, out of place or never there, void)."""
    cdef Ring* ring = &box.ring
    cdef uint64_t position = 0, before, k, lost = 0, read = 0
    cdef int64_t torn = 0, misplaced = 0, void = 0
    cdef bint over
    cdef Copied copied
    cdef uint64_t* row
    out = bytearray(64 * batch)
    cdef char* memory = out
    copied.count = copied.lost = 0
    with nogil:
        meet(&box.arrived, box.crowd)
        while position < total:
            before = position
            over = load_acquire(&box.writers) == 0          # all is published by now
            if unchecked:
                copied.count = ring_copy_published(ring, position, <uint64_t*> memory, batch)
                # What it could not find any more counts as lost, what it found is believed.
                if copied.count == 0 and ring_sequence(ring) > position + ring.capacity:
                    copied.lost = ring_sequence(ring) - ring.capacity - position
                else:
                    copied.lost = 0
                position += copied.count + copied.lost
            else:
                copied = ring_copy(ring, &position, <uint64_t*> memory, batch)
            if over and position == before:
                misplaced += total - position
                break
            misplaced += position != before + copied.count + copied.lost
            for k in range(copied.count):
                row = <uint64_t*> memory + 8 * k
                misplaced += row[0] != position - copied.count + k + 1
                if row[1] == <uint64_t> KIND_VOID << 32:
                    void += 1
                    torn += row[0] % 7 != 0 or row[2] != 0 or row[7] != 0
                else:
                    torn += is_torn(row)
            read += copied.count
            lost += copied.lost
    return read, lost, torn, misplaced, void


# Repair

cdef Copy* pair_of(const Layout* layout, uint64_t symbol_id, int kind) noexcept:
    return slot_pair(<Slot*> segment_at(layout, layout.offsets.slots) + symbol_id, kind)


def repair(Segment segment not None):
    repair_segment(&segment.layout)


def claim_tickets(Segment segment not None, uint64_t n):
    """Take tickets and leave; return the first."""
    cdef Ring ring = ring_of(&segment.layout)
    cdef uint64_t first = 0
    assert ring_claim(&ring, n, &first) == TAKEN
    return first


def fill_cell(Segment segment not None, bytes record not None):
    """Write the payload of a claimed ticket's cell, and leave before the stamp."""
    cdef Ring ring = ring_of(&segment.layout)
    cdef const char* words = record
    assert len(record) == 64
    ring_fill(&ring, <const uint64_t*> words)


def leave_update(Segment segment not None, uint64_t symbol_id, int kind, bytes record not None, str stage not None):
    """Walk through one update as far as `stage`, then leave as if killed; return its ticket (0: none taken).

    Stages in order: taken, torn (half the payload, no ticket), ticket, filled, storing (half the payload), stored
    (complete and HELD), published (all but free).
    """
    cdef Ring ring = ring_of(&segment.layout)
    cdef Hold hold
    cdef uint64_t[8] words
    cdef const char* given = record
    cdef uint64_t sequence = 0
    cdef int i
    stages = ["taken", "torn", "ticket", "filled", "storing", "stored", "published"]
    cdef int last = stages.index(stage)
    assert len(record) == 64
    for i in range(8):
        words[i] = (<const uint64_t*> given)[i]
    slot_take(pair_of(&segment.layout, symbol_id, kind), &hold)
    if last == 1:
        for i in range(1, 4):
            store_relaxed(&hold.target.words[i], <uint64_t> -1)
    if last >= 2:
        assert ring_claim_ready(&ring, 1, &sequence) == TAKEN
        words[0] = sequence
    if last >= 3:
        ring_fill(&ring, words)
    if last == 4:
        for i in range(1, 4):
            store_relaxed(&hold.target.words[i], words[i])
    if last >= 5:
        slot_store(&hold, words)
    if last >= 6:
        ring_publish(&ring, sequence)
    return sequence


def leave_symbol(Reader reader not None, bytes name not None, bint counted):
    """Add a symbol whose SYMBOL record is claimed but not published; not `counted`: before it is visible."""
    cdef SymbolTable table = reader.symbol_table
    cdef Ring ring = ring_of(&reader.segment.layout)
    cdef uint64_t sequence = 0
    assert ring_claim_ready(&ring, 1, &sequence) == TAKEN
    table.acquire()
    table.add(name, len(name), sequence)
    if counted:
        table.release()
    else:
        store_release(table.names.count, table.names.count[0] - 1)      # what add did last is taken back
    return sequence


def slot_words(Segment segment not None, uint64_t symbol_id, int kind):
    cdef Copy* pair = pair_of(&segment.layout, symbol_id, kind)
    return copy_word(&pair[0]), copy_word(&pair[1])


def crash_and_repair_many(Segment segment not None, uint64_t symbol_id, int64_t rounds):
    """Update, leave half-done updates and repair, over and over; readers of the slot are at work."""
    cdef Ring ring = ring_of(&segment.layout)
    cdef Copy* pair = pair_of(&segment.layout, symbol_id, 0)
    cdef Hold hold
    cdef uint64_t[8] record
    cdef uint64_t sequence = 0
    cdef int64_t i
    cdef int stage, k
    memset(&hold, 0, sizeof(Hold))
    with nogil:
        for i in range(rounds):
            stage = i % 4
            slot_take(pair, &hold)
            ring_claim_ready(&ring, 1, &sequence)
            make_record(record, sequence)
            if stage == 0:                  # complete
                ring_fill(&ring, record)
                slot_store(&hold, record)
                ring_publish(&ring, sequence)
                slot_free(&hold, sequence)
            elif stage == 1:                # torn
                for k in range(1, 5):
                    store_relaxed(&hold.target.words[k], record[k])
                repair_segment(&segment.layout)
            elif stage == 2:                # stored, not published
                slot_store(&hold, record)
                repair_segment(&segment.layout)
            else:                           # taken only
                repair_segment(&segment.layout)
    return sequence


def read_through_repairs(Segment segment not None, uint64_t symbol_id, uint64_t until):
    """Read a slot until the ring is at `until`: (reads, torn, older, missing)."""
    cdef Ring ring = ring_of(&segment.layout)
    cdef const Copy* pair = pair_of(&segment.layout, symbol_id, 0)
    cdef uint64_t[8] record
    cdef uint64_t last = 0
    cdef int64_t reads = 0, torn = 0, older = 0, missing = 0
    with nogil:
        while ring_sequence(&ring) < until:
            if not slot_read(pair, record):
                missing += last != 0
                continue
            reads += 1
            torn += is_torn(record)
            older += record[0] < last
            last = record[0]
    return reads, torn, older, missing
