"""A foreign module that fills a record and passes its sequence on through an atomic word, without the GIL."""

from libc.stdint cimport uint64_t

from pricecore.primitives.atomics cimport load_acquire, store_release
from pricecore.types cimport KIND_PRICE, RECORD_BYTES, Record


cdef struct Mailbox:
    uint64_t published              # sequence of `record`, stored last
    Record record


cdef void post(Mailbox* mailbox, uint64_t sequence, double price) noexcept nogil:
    mailbox.record.kind = KIND_PRICE
    mailbox.record.sequence = sequence
    mailbox.record.price = price
    store_release(&mailbox.published, sequence)


def show():
    """Print what a reader of the mailbox sees, and whether a record has the size it promises."""
    cdef Mailbox mailbox
    with nogil:
        post(&mailbox, 7, 61737.63)
    print(load_acquire(&mailbox.published), mailbox.record.price, sizeof(Record) == RECORD_BYTES)
