"""CRC-32 for the event log: see crc32.h."""

from libc.stdint cimport uint32_t

cdef extern from "crc32.h" nogil:
    void prepare "pc_crc32_prepare" () noexcept
    uint32_t pc_crc32(uint32_t before, const void* data, size_t length) noexcept
    uint32_t pc_crc32_join(uint32_t before, uint32_t behind, size_t length) noexcept


cdef uint32_t crc32(uint32_t before, const void* data, size_t length) noexcept nogil:
    """Continue the crc `before` (0 at the start) over these bytes."""
    return pc_crc32(before, data, length)


cdef uint32_t crc32_join(uint32_t before, uint32_t behind, size_t length) noexcept nogil:
    """The crc of bytes with the crc `before` and, behind them, `length` bytes with the crc `behind`."""
    return pc_crc32_join(before, behind, length)


def crc32_of(const unsigned char[::1] data, uint32_t before=0):
    """Return CRC-32 of the bytes, as `zlib.crc32(data, before)` does.

    Threads: any. Cost: some 10 GB/s where the processor multiplies without carry; releases the GIL.
    """
    cdef uint32_t found
    if data.shape[0] == 0:
        return before
    with nogil:
        found = pc_crc32(before, &data[0], data.shape[0])
    return found


prepare()
