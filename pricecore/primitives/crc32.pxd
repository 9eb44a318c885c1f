"""Level 1: CRC-32 (that of zlib) without the GIL; the method and its sources: crc32.h."""

from libc.stdint cimport uint32_t

cdef uint32_t crc32(uint32_t before, const void* data, size_t length) noexcept nogil
cdef uint32_t crc32_join(uint32_t before, uint32_t behind, size_t length) noexcept nogil
