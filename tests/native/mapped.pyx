"""Reads of a mapped segment without Python between them: hundreds of millions, from any process.

The writer makes volume 2 and change 3 times the price (of a quote: ask, sizes 2, 3 and 4 times the bid), and prices
never fall, so a record that is torn or older than one before gives itself away.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.prices.slot cimport (
    WORD_PRICE, Copy, Slot, payload_word, slot_newest, slot_pair, slot_read, slot_read_word,
    slot_read_word_at_rest,
)
from pricecore.primitives.segment cimport Segment, segment_at
from pricecore.types cimport RECORD_WORDS


cdef inline const Copy* pair_of(Segment segment, uint64_t symbol_id, int kind) noexcept:
    return slot_pair(<Slot*> segment_at(&segment.layout, segment.layout.offsets.slots) + symbol_id, kind)


cdef inline bint is_torn(const uint64_t* record, int kind) noexcept nogil:
    cdef const double* figures = <const double*> record
    cdef double price = figures[WORD_PRICE]
    if figures[5] != 2 * price or figures[6] != 3 * price:
        return True
    return kind == 1 and figures[7] != 4 * price


cdef inline bint read_unchecked(const Copy* pair, uint64_t* record) noexcept nogil:
    """slot_read without the second look."""
    cdef const Copy* copy = slot_newest(pair, record)
    cdef int i
    if copy == NULL:
        return False
    for i in range(1, RECORD_WORDS):
        record[i] = payload_word(copy, i)
    return True


def read_records(Segment segment not None, uint64_t symbol_id, int kind, int64_t count, bint unchecked=False):
    """Read a slot `count` times, and on until one in 10,000 was another record: (reads, torn, older, missing)."""
    cdef const Copy* pair = pair_of(segment, symbol_id, kind)
    cdef uint64_t[8] record
    cdef uint64_t last = 0
    cdef int64_t reads = 0, torn = 0, older = 0, missing = 0, changes = 0
    with nogil:
        while reads < count or changes < count // 10_000:
            reads += 1
            if not (read_unchecked(pair, record) if unchecked else slot_read(pair, record)):
                missing += 1
                continue
            torn += is_torn(record, kind)
            older += record[0] < last
            changes += record[0] != last
            last = record[0]
    return reads, torn, older, missing


def read_prices(Segment segment not None, uint64_t symbol_id, int64_t count):
    """As read_records for the price alone."""
    cdef const Copy* pair = pair_of(segment, symbol_id, 0)
    cdef uint64_t word = 0
    cdef double price, last = 0.0
    cdef int64_t reads = 0, torn = 0, older = 0, missing = 0, changes = 0
    with nogil:
        while reads < count or changes < count // 10_000:
            reads += 1
            if not slot_read_word_at_rest(pair, WORD_PRICE, &word) and not slot_read_word(pair, WORD_PRICE, &word):
                missing += 1
                continue
            price = (<double*> &word)[0]
            torn += price != <double> <int64_t> price       # the writer's prices are whole numbers
            older += price < last
            changes += price != last
            last = price
    return reads, torn, older, missing
