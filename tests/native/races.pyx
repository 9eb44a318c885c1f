"""Slot, ring and repair before the thread sanitizer: plain words beside them that their protocols must protect.

All words of a slot and of the ring are atomic, and the sanitizer is silent about atomics whatever their order. So each
loop here carries witnesses, which are plain: one a sequence, written before its record is published and read by whoever
got that record, and one a slot or cell, written by its owner of the moment. A report says that an ordering which a head
comment promises is missing. The fences are out of its sight: tests/prices/test_slot_protocol.py looks at those.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.ring cimport (
    TAKEN, Copied, Ring, lap_is_over, ring_cell, ring_claim, ring_claim_alone, ring_claim_ready, ring_copy, ring_fill,
    ring_of, ring_publish, ring_sequence, ring_wait_lap,
)
from pricecore.engine.closing cimport begin_writing, end_writing, is_written
from pricecore.engine.hotpath cimport Engine, is_alone
from pricecore.engine.repair cimport repair_segment
from pricecore.prices.slot cimport (
    HELD, SEQUENCE, WRITING, Copy, Hold, Slot, copy_complete, copy_free, copy_mark_alone, copy_word, slot_choose,
    slot_free, slot_pair, slot_read, slot_restore, slot_store, slot_take, slot_take_alone,
)
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport (
    FREE_THREADED, backoff, cas_acquire, fetch_add_relaxed, load_payload, load_relaxed, store_payload,
    store_relaxed, store_release,
)
from pricecore.primitives.segment cimport HANDLE_COUNT, Line, Segment, segment_at
from pricecore.types cimport RECORD_WORDS

cdef enum:
    PLAIN_PAYLOAD = 1               # twins of either writer: a payload that is not atomic
    RELAXED_WORD = 2                # its sequence does not release what was written before
    EARLY_WORD = 3                  # its sequence comes before the record
    MISSING_TURN = 4                # a slot or a cell that is not waited for
    RELAXED_FREE = 5                # a slot that is given away without a release
    LATE_BEGIN = 6                  # a batch that says so once it has given the GIL away
    MISSING_LOOK = 7                # a single update that does not ask whether a batch is writing
    SLOWLY = 8                      # no mistake: a single update that is slow to take what it has looked at
    MOST_TRIES = 20_000             # twins that wait for what never comes leave
    RELAXED_LOOK = 1                # a twin of the reader: the sequence it sees acquires nothing


cdef inline void make_record(uint64_t* record, uint64_t sequence) noexcept nogil:
    cdef int i
    for i in range(RECORD_WORDS):
        record[i] = sequence + i


cdef inline void store_plainly(uint64_t* to, const uint64_t* record) noexcept nogil:
    cdef int i
    for i in range(1, RECORD_WORDS):
        to[i] = record[i]


cdef inline bint is_wrong(const uint64_t* record, uint64_t witness) noexcept nogil:
    """The witness or the payload (but for symbol and kind) is of another sequence."""
    cdef int i
    for i in range(2, RECORD_WORDS):
        if record[i] != record[0] + i:
            return True
    return witness != record[0]


cdef class Crowd:
    """Threads that meet before they begin, by words that order nothing, and the witnesses of their records."""

    cdef uint64_t* written              # by sequence
    cdef uint64_t* owned                # by slot or cell
    cdef uint64_t* words
    cdef uint64_t size
    cdef uint64_t arrived
    cdef uint64_t writers

    def __cinit__(self, uint64_t writers, uint64_t readers, uint64_t records, uint64_t capacity=1, segment=None):
        self.size = writers + readers
        self.writers = writers
        self.written = <uint64_t*> aligned_zeroed(8 * (records + 1))
        self.owned = <uint64_t*> aligned_zeroed(8 * (capacity + 1))
        self.words = <uint64_t*> aligned_zeroed(64 * (capacity + 4))
        if self.written == NULL or self.owned == NULL or self.words == NULL:
            raise MemoryError()

    def __dealloc__(self):
        aligned_free(self.written)
        aligned_free(self.owned)
        aligned_free(self.words)

    cdef void meet(self) noexcept nogil:
        cdef unsigned tries = 0
        fetch_add_relaxed(&self.arrived, 1)
        while load_relaxed(&self.arrived) < self.size:
            backoff(&tries)

    cdef void leave(self) noexcept nogil:
        fetch_add_relaxed(&self.writers, <uint64_t> -1)

    cdef bint done(self) noexcept nogil:
        return load_relaxed(&self.writers) == 0


# The slot

cdef class SlotRace(Crowd):
    """One pair of copies, written in the order of its tickets."""

    cdef uint64_t ticket

    cdef Copy* pair(self) noexcept nogil:
        return slot_pair(<Slot*> self.words, 0)


cdef inline void take_badly(Copy* pair, Hold* hold) noexcept nogil:
    """Take the older copy whoever has it."""
    cdef uint64_t first = copy_word(&pair[0]) & SEQUENCE, second = copy_word(&pair[1]) & SEQUENCE
    cdef int older = first > second
    hold.target = &pair[older]
    store_release(&hold.target.words[0], (second if older else first) | WRITING)


cdef inline void store_witnessed(SlotRace race, Hold* hold, const uint64_t* record, int broken) noexcept nogil:
    """Write the record's witness, then the record as slot_store does."""
    if broken == EARLY_WORD:
        copy_complete(hold.target, record[0])
    race.written[record[0]] = record[0]
    if broken == PLAIN_PAYLOAD:
        store_plainly(hold.target.words, record)
        copy_complete(hold.target, record[0])
    elif broken == RELAXED_WORD:
        store_payload(hold.target.words, record)
        store_relaxed(&hold.target.words[0], record[0] | HELD)
    else:
        slot_store(hold, record)


cdef inline void stay(SlotRace race) noexcept nogil:
    """Hold the slot for a while, as one who publishes to the ring: readers see HELD."""
    cdef int _
    for _ in range(20):
        load_relaxed(&race.writers)


def write_slot(SlotRace race, int64_t count, int broken=0):
    """Store `count` records; whoever holds the slot is alone there from the first to the last line."""
    cdef Copy* pair = race.pair()
    cdef Hold hold
    cdef uint64_t[8] record
    cdef int64_t _
    with nogil:
        race.meet()
        for _ in range(count):
            if broken == MISSING_TURN:
                take_badly(pair, &hold)
            else:
                slot_take(pair, &hold)
            race.owned[0] += 1
            make_record(record, fetch_add_relaxed(&race.ticket, 1) + 1)
            store_witnessed(race, &hold, record, broken)
            stay(race)
            race.owned[0] += 1
            if broken == RELAXED_FREE:
                store_relaxed(&hold.target.words[0], record[0])
            else:
                slot_free(&hold, record[0])
        race.leave()


cdef inline bint read_badly(const Copy* pair, uint64_t* record) noexcept nogil:
    """slot_read, its loads of the sequence relaxed."""
    cdef uint64_t first = load_relaxed(&pair[0].words[0]), second = load_relaxed(&pair[1].words[0])
    cdef uint64_t word = first if second & WRITING or first & SEQUENCE > second & SEQUENCE else second
    if word & WRITING or word == 0:
        return False
    load_payload(record, pair[0 if word == first else 1].words)
    record[0] = word & SEQUENCE
    return True


def read_slot(SlotRace race, int broken=0):
    """Read until the writers are done: (reads, those that are wrong)."""
    cdef Copy* pair = race.pair()
    cdef uint64_t[8] record
    cdef int64_t reads = 0, wrong = 0
    with nogil:
        race.meet()
        while not race.done():
            if not (read_badly(pair, record) if broken else slot_read(pair, record)):
                continue
            reads += 1
            wrong += is_wrong(record, race.written[record[0]])
    return reads, wrong


# The ring

cdef class RingRace(Crowd):
    cdef Ring ring

    def __cinit__(self, uint64_t writers, uint64_t readers, uint64_t records, uint64_t capacity):
        self.ring.ticket = self.words
        self.ring.limit = self.words + 16
        self.ring.limit[0] = <uint64_t> -1
        self.ring.cells = self.words + 32
        self.ring.capacity = capacity
        self.ring.mask = capacity - 1


cdef inline void publish_badly(RingRace race, const uint64_t* record, int broken) noexcept nogil:
    cdef uint64_t sequence = record[0]
    if broken == EARLY_WORD:
        ring_publish(&race.ring, sequence)
    race.written[sequence] = sequence
    if broken == PLAIN_PAYLOAD:
        store_plainly(ring_cell(&race.ring, sequence), record)
    else:
        ring_fill(&race.ring, record)
    if broken == RELAXED_WORD:
        store_relaxed(ring_cell(&race.ring, sequence), sequence)
    elif broken != EARLY_WORD:          # a second stamp might come a lap too late, and stop all
        ring_publish(&race.ring, sequence)


cdef inline void claim(RingRace race, uint64_t chunk, uint64_t* first) noexcept nogil:
    """Singles take ready cells only, a batch takes tickets and waits for each cell."""
    cdef unsigned tries = 0
    if chunk > 1:
        ring_claim(&race.ring, chunk, first)
        return
    while ring_claim_ready(&race.ring, 1, first) != TAKEN:
        backoff(&tries)


def publish_many(RingRace race, int64_t count, uint64_t chunk=1, int broken=0):
    """Publish `count` records, each with its witness."""
    cdef uint64_t[8] record
    cdef uint64_t first = 0, k
    cdef int64_t _
    with nogil:
        race.meet()
        for _ in range(count // chunk):
            claim(race, chunk, &first)
            for k in range(first, first + chunk):
                if chunk > 1 and broken != MISSING_TURN:
                    ring_wait_lap(&race.ring, k)
                race.owned[(k - 1) & race.ring.mask] = k
                make_record(record, k)
                if broken:
                    publish_badly(race, record, broken)
                else:
                    race.written[k] = k
                    ring_fill(&race.ring, record)
                    ring_publish(&race.ring, k)
        race.leave()


def follow(RingRace race, uint64_t batch):
    """Read until the writers are done: (reads, those that are wrong)."""
    cdef uint64_t position = 0, k
    cdef int64_t reads = 0, wrong = 0
    cdef Copied copied
    out = bytearray(64 * batch)
    cdef char* memory = out
    cdef const uint64_t* row
    with nogil:
        race.meet()
        while not race.done():
            copied = ring_copy(&race.ring, &position, <uint64_t*> memory, batch)
            reads += copied.count
            for k in range(copied.count):
                row = <const uint64_t*> memory + 8 * k
                wrong += is_wrong(row, race.written[row[0]])
    return reads, wrong


# Single updates that may be alone, beside batches: a lock stands for the GIL

cdef class AloneRace(RingRace):
    """One pair of copies and a ring; who is alone writes both with plain stores."""

    cdef Engine engine
    cdef uint64_t* slot
    cdef uint64_t gil
    cdef uint64_t stuck

    def __cinit__(self, uint64_t writers, uint64_t readers, uint64_t records, uint64_t capacity):
        self.slot = <uint64_t*> aligned_zeroed(4 * 64)
        self.engine.writers = <Line*> aligned_zeroed(HANDLE_COUNT * sizeof(Line))
        if self.slot == NULL or self.engine.writers == NULL:
            raise MemoryError()
        self.engine.gate = &self.engine.status

    def __dealloc__(self):
        aligned_free(self.slot)
        aligned_free(self.engine.writers)

    cdef Copy* pair(self) noexcept nogil:
        return slot_pair(<Slot*> self.slot, 0)

    cdef void take_gil(self) noexcept nogil:
        cdef uint64_t nobody = 0
        cdef unsigned tries = 0
        while not cas_acquire(&self.gil, &nobody, 1):
            nobody = 0
            backoff(&tries)

    cdef void drop_gil(self) noexcept nogil:
        store_release(&self.gil, 0)


cdef inline bint await_lap(AloneRace race, uint64_t sequence) noexcept nogil:
    """False: with tickets that two have taken a cell may never come free."""
    cdef unsigned tries = 0
    while not lap_is_over(&race.ring, sequence):
        backoff(&tries)
        if tries > MOST_TRIES or load_relaxed(&race.stuck):
            store_relaxed(&race.stuck, 1)
            return False
    return True


cdef inline void put_witnessed(AloneRace race, Hold* hold, uint64_t sequence) noexcept nogil:
    """Fill the cell and the slot, both of them ours, as publish_held."""
    cdef uint64_t[8] record
    race.owned[0] += 1
    race.owned[1 + ((sequence - 1) & race.ring.mask)] = sequence
    race.written[sequence] = sequence
    make_record(record, sequence)
    ring_fill(&race.ring, record)
    slot_store(hold, record)
    ring_publish(&race.ring, sequence)
    race.owned[0] += 1
    slot_free(hold, sequence)


cdef inline void dawdle(AloneRace race, uint64_t taken) noexcept nogil:
    """Give others time to take a ticket, until one does."""
    cdef unsigned tries = 0
    while load_relaxed(race.ring.ticket) == taken and tries < 100:
        backoff(&tries)


cdef inline bint take_slowly(AloneRace race, Hold* hold, uint64_t* sequence) noexcept nogil:
    """slot_take_alone and ring_claim_alone, with a pause between what they load and what they store."""
    cdef uint64_t first = copy_word(&race.pair()[0]), second = copy_word(&race.pair()[1])
    cdef uint64_t taken = load_relaxed(race.ring.ticket)
    if (first | second) & ~SEQUENCE or not lap_is_over(&race.ring, taken + 1):
        return False
    slot_choose(race.pair(), first, second, hold)
    dawdle(race, taken)
    copy_mark_alone(hold.target, hold.before)
    store_release(race.ring.ticket, taken + 1)
    sequence[0] = taken + 1
    return True


cdef inline bint take_alone(AloneRace race, Hold* hold, uint64_t* sequence, int broken) noexcept nogil:
    """As publish_alone takes slot and ticket."""
    cdef bint alone = broken == MISSING_LOOK or (
        not is_written(&race.engine) if FREE_THREADED else is_alone(&race.engine))
    if not alone:
        return False
    if broken:
        return take_slowly(race, hold, sequence)
    if not slot_take_alone(race.pair(), hold):
        return False
    if ring_claim_alone(&race.ring, sequence):
        return True
    slot_restore(hold)
    return False


cdef inline bint take_shared(AloneRace race, Hold* hold, uint64_t* sequence) noexcept nogil:
    """As publish; False: nothing is free."""
    cdef unsigned tries = 0
    while tries < MOST_TRIES and not load_relaxed(&race.stuck):
        slot_take(race.pair(), hold)
        if ring_claim_ready(&race.ring, 1, sequence) == TAKEN:
            return True
        slot_restore(hold)
        backoff(&tries)
    store_relaxed(&race.stuck, 1)
    return False


def put_singles(AloneRace race, int64_t count, int broken=0):
    """Put `count` records with the GIL; return how many of them alone."""
    cdef Hold hold
    cdef uint64_t sequence = 0
    cdef int64_t alone = 0, _
    with nogil:
        race.meet()
        for _ in range(count):
            race.take_gil()
            if take_alone(race, &hold, &sequence, broken):
                put_witnessed(race, &hold, sequence)
                alone += 1
            elif take_shared(race, &hold, &sequence):
                put_witnessed(race, &hold, sequence)
            race.drop_gil()
        race.leave()
    return alone


cdef inline bint put_row(AloneRace race, uint64_t sequence) noexcept nogil:
    """As publish_row; one that comes late goes to the ring alone."""
    cdef Hold hold
    cdef uint64_t[8] record
    if not await_lap(race, sequence):
        return False
    slot_take(race.pair(), &hold)
    if sequence > hold.newest_sequence:
        put_witnessed(race, &hold, sequence)
        return True
    slot_restore(&hold)
    race.written[sequence] = sequence
    make_record(record, sequence)
    ring_fill(&race.ring, record)
    ring_publish(&race.ring, sequence)
    return True


def put_batches(AloneRace race, int64_t count, uint64_t rows, int broken=0):
    """Put `count` records without the GIL, `rows` at a time; it is begun with the GIL."""
    cdef uint64_t first = 0, k
    cdef int64_t _
    with nogil:
        race.meet()
        for _ in range(count // rows):
            if load_relaxed(&race.stuck):
                break
            race.take_gil()
            if broken != LATE_BEGIN:
                begin_writing(&race.engine, 0)
            race.drop_gil()
            if broken == LATE_BEGIN:
                dawdle(race, load_relaxed(race.ring.ticket))
                begin_writing(&race.engine, 0)
            ring_claim(&race.ring, rows, &first)
            for k in range(first, first + rows):
                if not put_row(race, k):
                    break
            end_writing(&race.engine, 0)
        race.leave()


def read_alone(AloneRace race, uint64_t batch):
    """Read slot and ring until the writers are done: (reads, those that are wrong)."""
    cdef uint64_t position = 0, k
    cdef int64_t reads = 0, wrong = 0
    cdef uint64_t[8] record
    cdef Copied copied
    out = bytearray(64 * batch)
    cdef char* memory = out
    cdef const uint64_t* row
    with nogil:
        race.meet()
        while not race.done():
            if slot_read(race.pair(), record):
                reads += 1
                wrong += is_wrong(record, race.written[record[0]])
            copied = ring_copy(&race.ring, &position, <uint64_t*> memory, batch)
            reads += copied.count
            for k in range(copied.count):
                row = <const uint64_t*> memory + 8 * k
                wrong += is_wrong(row, race.written[row[0]])
    return reads, wrong


# Repair

cdef class RepairRace(Crowd):
    """A writer that leaves updates half-done, and a thread that mends them: they take turns by a word without order."""

    cdef Segment segment
    cdef Ring ring
    cdef uint64_t base                  # the sequence before the first of ours
    cdef uint64_t turn

    def __cinit__(self, uint64_t writers, uint64_t readers, uint64_t records, uint64_t capacity, Segment segment):
        self.segment = segment
        self.ring = ring_of(&segment.layout)
        self.base = ring_sequence(&self.ring)

    cdef Copy* pair(self) noexcept nogil:
        return slot_pair(<Slot*> segment_at(&self.segment.layout, self.segment.layout.offsets.slots), 0)

    cdef void wait_turn(self, uint64_t turn) noexcept nogil:
        cdef unsigned tries = 0
        while load_relaxed(&self.turn) != turn:
            backoff(&tries)


def leave_updates(RepairRace race, int64_t count):
    """Stop in mid-update, by turns with the slot taken, with half a payload, and with the record HELD."""
    cdef Hold hold
    cdef uint64_t[8] record
    cdef uint64_t sequence = 0
    cdef int64_t i
    with nogil:
        race.meet()
        for i in range(count):
            race.wait_turn(2 * i)
            slot_take(race.pair(), &hold)
            race.owned[0] += 1
            ring_claim_ready(&race.ring, 1, &sequence)
            make_record(record, sequence)
            record[1] = 0                           # symbol 0, PRICE
            race.written[sequence - race.base] = sequence
            if i % 3 == 1:
                store_relaxed(&hold.target.words[1], record[1])
            elif i % 3 == 2:
                slot_store(&hold, record)
            store_relaxed(&race.turn, 2 * i + 1)
        race.leave()


cdef void repair_badly(RepairRace race) noexcept nogil:
    """Publish the HELD record without a release, free what was taken."""
    cdef Copy* pair = race.pair()
    cdef uint64_t word
    cdef int k
    for k in range(2):
        word = copy_word(&pair[k])
        if word & HELD:
            store_payload(ring_cell(&race.ring, word & SEQUENCE), pair[k].words)
            store_relaxed(ring_cell(&race.ring, word & SEQUENCE), word & SEQUENCE)
            copy_free(&pair[k], word & SEQUENCE)
    repair_segment(&race.segment.layout)


def repair_many(RepairRace race, int64_t count, bint broken=False):
    """Mend the segment after each stop."""
    cdef int64_t i
    with nogil:
        race.meet()
        for i in range(count):
            race.wait_turn(2 * i + 1)
            if broken:
                repair_badly(race)
            else:
                repair_segment(&race.segment.layout)
            store_relaxed(&race.turn, 2 * i + 2)
        race.leave()


def read_mended(RepairRace race, uint64_t batch):
    """Read slot and ring until the repairs are done: (reads, those that are wrong)."""
    cdef uint64_t position = race.base, k
    cdef int64_t reads = 0, wrong = 0
    cdef uint64_t[8] record
    cdef Copied copied
    out = bytearray(64 * batch)
    cdef char* memory = out
    cdef const uint64_t* row
    with nogil:
        race.meet()
        while not race.done():
            if slot_read(race.pair(), record):
                reads += 1
                wrong += is_wrong(record, race.written[record[0] - race.base])
            copied = ring_copy(&race.ring, &position, <uint64_t*> memory, batch)
            for k in range(copied.count):
                row = <const uint64_t*> memory + 8 * k
                if row[2] == 0:                     # VOID
                    continue
                reads += 1
                wrong += is_wrong(row, race.written[row[0] - race.base])
    return reads, wrong
