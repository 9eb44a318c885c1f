"""Level 5: mends a segment whose writers stopped in mid-update."""

from pricecore.primitives.segment cimport Header


cdef void repair_segment(Header* header) noexcept nogil
