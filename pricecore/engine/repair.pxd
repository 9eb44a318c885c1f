"""Level 5: mends a segment whose writers stopped in mid-update."""

from libc.stdint cimport int64_t

from pricecore.primitives.segment cimport Layout


cdef const char* damage_of(const Layout* layout) noexcept nogil
cdef void repair_segment(const Layout* layout) noexcept nogil
cdef void free_handles(const Layout* layout) noexcept nogil
cdef int64_t newest_received_ns(const Layout* layout) noexcept nogil
