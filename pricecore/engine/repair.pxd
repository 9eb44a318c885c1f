"""Level 5: mends a segment whose writers stopped in mid-update."""

from pricecore.primitives.segment cimport Layout


cdef void repair_segment(const Layout* layout) noexcept nogil
