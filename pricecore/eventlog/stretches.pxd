"""Level 4: where to begin reading a file: stretches of blocks, of about 64 KiB, with their sequences and times.

An index of stretches instead of blocks takes half a thousandth of the file, however short its blocks are; who looks for
something reads one stretch more than an index of blocks would let him.
"""

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t
from libc.stdlib cimport realloc

from pricecore.eventlog.format cimport BlockHeader

cdef enum:
    STRETCH_BYTES = 65_536

cdef struct Stretch:                # ENTRY_DTYPE
    uint64_t offset                 # of its first block
    uint64_t first_sequence         # of that
    int64_t least_ns                # of its PRICE and QUOTE records; none: the greatest number there is,
    int64_t greatest_ns             # and the least

cdef struct Stretches:
    Stretch* list
    uint64_t count
    uint64_t capacity


cdef inline bint stretches_add(Stretches* all, uint64_t offset, const BlockHeader* header) noexcept nogil:
    """Add the next block of the file; False: there is no memory."""
    cdef Stretch* last
    if all.count == 0 or offset - all.list[all.count - 1].offset >= STRETCH_BYTES:
        if all.count == all.capacity and not stretches_grow(all):
            return False
        last = &all.list[all.count]
        all.count += 1
        last.offset, last.first_sequence = offset, header.first_sequence
        last.least_ns, last.greatest_ns = INT64_MAX, INT64_MIN
    last = &all.list[all.count - 1]
    if header.least_ns or header.greatest_ns:           # both are 0 when no record has a time
        last.least_ns = min(last.least_ns, header.least_ns)
        last.greatest_ns = max(last.greatest_ns, header.greatest_ns)
    return True


cdef inline bint stretches_grow(Stretches* all) noexcept nogil:
    cdef uint64_t capacity = 2 * all.capacity + 64
    cdef void* larger = realloc(all.list, capacity * sizeof(Stretch))
    if larger == NULL:
        return False
    all.list, all.capacity = <Stretch*>larger, capacity
    return True
