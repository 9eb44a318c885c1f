"""Level 2: the values at several ranks of an unsorted array, in linear time, without allocation."""

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    MAX_RANKS = 8
    SELECT_COUNTERS = (64 << 5) + 1     # scratch that select() needs


cdef struct Wanted:
    # Up to MAX_RANKS ranks, ascending, below the number of values at hand; and where the answers go.
    size_t count
    size_t* ranks
    uint64_t* values


# Answer all wanted ranks of n <= 2^32 - 1 values. Values and ranks are used up: what they hold afterwards is undefined.
cdef void select(uint64_t* values, size_t n, Wanted wanted, uint32_t* counters) noexcept nogil

# Counter i is how often the value low + i occurs among `counted` values, the lowest of all. Answer the ranks that lie
# among them; the others stay wanted.
cdef void take_counted(Wanted* wanted, const uint32_t* counters, size_t counted, uint64_t low) noexcept nogil
