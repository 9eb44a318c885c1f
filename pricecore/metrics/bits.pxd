"""Level 2: counting leading zero bits, which no C standard before C23 names."""

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <intrin.h>
    static __forceinline unsigned pc_leading_zeros(uint64_t v)
    {
        unsigned long top;
        _BitScanReverse64(&top, v);
        return 63u - (unsigned)top;
    }
    #else
    static inline unsigned pc_leading_zeros(uint64_t v) { return (unsigned)__builtin_clzll(v); }
    #endif
    """
    # 0 to 63; undefined for 0.
    unsigned leading_zeros "pc_leading_zeros" (uint64_t word) noexcept nogil


cdef inline unsigned bit_length(uint64_t word) noexcept nogil:
    # As int.bit_length of Python: 0 for 0.
    return 64 - leading_zeros(word) if word != 0 else 0
