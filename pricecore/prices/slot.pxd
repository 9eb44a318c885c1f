"""The slot: where the latest PRICE and the latest QUOTE of one symbol stand.

Source      ours: a sequence lock over two alternating copies, so that a reader never waits for a writer.
Contract    any number of writers and readers, in any process. A reader gets the bytes of one record, whole, and
            never an older one than before. One writer holds a copy pair at a time: take, then store or restore,
            then free.
Progress    a reader repeats only when two writes of this symbol and kind passed while it copied. A writer waits
            for the writer that holds the pair. A writer that is stopped or killed leaves the other copy readable.
Invariants  word 0 of a copy is its record's sequence, 0 when empty; with WRITING its payload may be torn; with
            HELD it is complete, but its writer has not published it to the ring yet. At most one copy of a pair
            carries one of these. EMPTIED (sequence 0) is left by a repair: a record stood here, so a reader that
            finds nothing complete looks again. A writer writes the copy with the lower sequence, and waits for
            nothing while it holds a pair.
Orderings   copy_mark (acquire-release) pairs with copy_word in the next writer and, with the release fence behind
            it, with the reader's re-check: who sees new payload sees the mark. copy_mark_alone is a store with that
            fence; it releases, else this mark might be seen before the other copy is complete, and a reader would have
            none. copy_complete and copy_free (release) pair with copy_word (acquire): who sees the sequence sees the
            payload. tests/prices/test_slot_protocol.py walks through every interleaving of a small model of this file;
            slot.pml is one in memory that is weak.
"""

from libc.stdint cimport uint64_t

from pricecore.primitives.atomics cimport (
    backoff, cas_acq_rel, fence_acquire, fence_release, likely, load_acquire, load_payload, load_relaxed,
    store_payload, store_release, unlikely,
)
from pricecore.types cimport RECORD_WORDS

cdef extern from *:
    """
    #define PC_WRITING ((uint64_t)1 << 63)
    #define PC_HELD ((uint64_t)1 << 62)
    #define PC_EMPTIED ((uint64_t)1 << 61)
    #define PC_SEQUENCE (PC_EMPTIED - 1)
    #ifndef PC_DAMAGED_TRIES            /* tests hold a slot for long */
    #define PC_DAMAGED_TRIES (1 << 16)
    #endif
    """
    const uint64_t WRITING "PC_WRITING"
    const uint64_t HELD "PC_HELD"
    const uint64_t EMPTIED "PC_EMPTIED"
    const uint64_t SEQUENCE "PC_SEQUENCE"       # the bits of a word that are its sequence
    const int DAMAGED_TRIES "PC_DAMAGED_TRIES"  # a reader that fails so often has no slot before it, but damage

cdef enum:
    WORD_RECEIVED = 3               # words of a record that are read by themselves
    WORD_PRICE = 4

cdef struct Copy:                   # one cache line: a record whose first word also carries the two bits
    uint64_t words[RECORD_WORDS]

cdef struct Slot:                   # four cache lines: pair 0 is PRICE, pair 1 is QUOTE
    Copy copies[4]

cdef struct Hold:                   # what a writer knows of the pair that it holds
    Copy* target                    # the older copy: ours to write
    Copy* newest                    # the other one: the latest record, or empty
    uint64_t before                 # the target's word, to put back when nothing is stored
    uint64_t newest_sequence        # 0: no record yet


cdef inline Copy* slot_pair(Slot* slot, int kind) noexcept nogil:
    return &slot.copies[2 * kind]


cdef inline uint64_t copy_word(const Copy* copy) noexcept nogil:
    """A sequence seen here comes with its whole payload."""
    return load_acquire(&copy.words[0])


cdef inline bint copy_mark(Copy* copy, uint64_t before) noexcept nogil:
    """Put WRITING on the word; False when another writer was faster. Payload stores stay behind it."""
    cdef uint64_t expected = before
    if not cas_acq_rel(&copy.words[0], &expected, before | WRITING):
        return False
    fence_release()
    return True


cdef inline void copy_mark_alone(Copy* copy, uint64_t before) noexcept nogil:
    """As copy_mark, where nobody else can: a store in place of the swap. Pairs with copy_word of a reader."""
    store_release(&copy.words[0], before | WRITING)
    fence_release()


cdef inline void copy_complete(Copy* copy, uint64_t sequence) noexcept nogil:
    """From here on readers take this copy; writers still wait for it."""
    store_release(&copy.words[0], sequence | HELD)


cdef inline void copy_free(Copy* copy, uint64_t word) noexcept nogil:
    """Let the next writer in: `word` is the new sequence, or the old word of a copy left as it was."""
    store_release(&copy.words[0], word)


cdef inline uint64_t payload_word(const Copy* copy, int i) noexcept nogil:
    """A word that may be torn from its neighbours until the re-check says otherwise."""
    return load_relaxed(&copy.words[i])


cdef inline void slot_choose(Copy* pair, uint64_t first, uint64_t second, Hold* hold) noexcept nogil:
    """Find the copy to write, the older one; without a branch, since which one it is nobody can predict."""
    cdef uint64_t older = first & SEQUENCE > second & SEQUENCE
    hold.target, hold.newest = &pair[older], &pair[older ^ 1]
    hold.before = second if older else first
    hold.newest_sequence = (first if older else second) & SEQUENCE


cdef inline void slot_take(Copy* pair, Hold* hold) noexcept nogil:
    """Take the pair: waits while another writer holds it."""
    cdef uint64_t first, second
    cdef unsigned tries = 0
    while True:
        first = copy_word(&pair[0])
        second = copy_word(&pair[1])
        if likely(not ((first | second) & (WRITING | HELD))):
            slot_choose(pair, first, second, hold)
            if likely(copy_mark(hold.target, hold.before)):
                return
        backoff(&tries)


cdef inline bint slot_take_alone(Copy* pair, Hold* hold) noexcept nogil:
    """As slot_take, by the only thread that can be writing; False: slot_take knows what this is."""
    cdef uint64_t first = copy_word(&pair[0])
    cdef uint64_t second = copy_word(&pair[1])
    if unlikely((first | second) & ~SEQUENCE):
        return False
    slot_choose(pair, first, second, hold)
    copy_mark_alone(hold.target, hold.before)
    return True


cdef inline void slot_store(Hold* hold, const uint64_t* record) noexcept nogil:
    """Make the record the latest one; the pair stays held until slot_free."""
    store_payload(hold.target.words, record)
    copy_complete(hold.target, record[0])


cdef inline void slot_free(Hold* hold, uint64_t sequence) noexcept nogil:
    copy_free(hold.target, sequence)


cdef inline void slot_restore(Hold* hold) noexcept nogil:
    """Give the pair back as it was."""
    copy_free(hold.target, hold.before)


cdef inline uint64_t complete_sequence(uint64_t word) noexcept nogil:
    """The sequence of a complete record, HELD or not; 0: there is none in this copy."""
    return 0 if word & WRITING else word & SEQUENCE


cdef inline const Copy* slot_newest(const Copy* pair, uint64_t* sequence) noexcept nogil:
    """Return the newer complete copy and its sequence; NULL: nothing was ever stored."""
    cdef uint64_t first, second, a, b
    cdef int _
    for _ in range(DAMAGED_TRIES):
        first = copy_word(&pair[0])
        second = copy_word(&pair[1])
        a = complete_sequence(first)
        b = complete_sequence(second)
        if a > b:
            sequence[0] = a
            return &pair[0]
        if likely(b != 0):
            sequence[0] = b
            return &pair[1]
        if (first | second) & ~WRITING == 0:
            return NULL
        # One copy was taken after we looked at it and the other before: both are complete by turns, look again.
    return NULL


cdef inline bint copy_unchanged(const Copy* copy, uint64_t sequence) noexcept nogil:
    """The loads before this one came from the record of this sequence, and from no other."""
    fence_acquire()
    return load_relaxed(&copy.words[0]) & ~HELD == sequence


cdef inline bint slot_read(const Copy* pair, uint64_t* record) noexcept nogil:
    """Copy the latest record of the pair; False: there is none."""
    cdef const Copy* copy
    cdef uint64_t sequence
    cdef int _
    for _ in range(DAMAGED_TRIES):
        copy = slot_newest(pair, &sequence)
        if copy == NULL:
            return False
        load_payload(record, copy.words)
        if likely(copy_unchanged(copy, sequence)):
            record[0] = sequence
            return True
    return False


cdef inline bint slot_read_word(const Copy* pair, int i, uint64_t* value) noexcept nogil:
    """Read one word of the latest record; False: there is none."""
    cdef const Copy* copy
    cdef uint64_t sequence
    cdef int _
    for _ in range(DAMAGED_TRIES):
        copy = slot_newest(pair, &sequence)
        if copy == NULL:
            return False
        value[0] = payload_word(copy, i)
        if likely(copy_unchanged(copy, sequence)):
            return True
    return False


cdef inline bint slot_read_word_at_rest(const Copy* pair, int i, uint64_t* value) noexcept nogil:
    """As slot_read_word, in one try, while nobody writes this pair; False: slot_read_word knows what this is.

    Without a branch on which copy is the newer one: nobody can predict that."""
    cdef uint64_t first = copy_word(&pair[0])
    cdef uint64_t second = copy_word(&pair[1])
    cdef uint64_t newer = second > first
    cdef uint64_t sequence = second if newer else first
    if unlikely((first | second) & ~SEQUENCE or sequence == 0):
        return False
    value[0] = payload_word(&pair[newer], i)
    return copy_unchanged(&pair[newer], sequence)
