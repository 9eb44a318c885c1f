"""The segment: all state of an engine that others read, in one contiguous, position-independent block.

Offsets instead of pointers, fixed-width types, no Python hash and no counter tick but the clock's anchor (the
same counter in every process of a machine). The drawing stands in pricecore/README.md.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from pricecore.primitives.atomics cimport (
    fence_release, load_acquire, load_relaxed, store_relaxed, store_release,
)
from pricecore.primitives.clock cimport Clock
from pricecore.types cimport NAME_BYTES, REASON_COUNT

cdef enum:
    SEGMENT_VERSION = 1
    HEADER_BYTES = 4096
    HANDLE_COUNT = 64
    FIGURE_COUNT = 256
    FIGURE_NAME_BYTES = 32
    CURSOR_COUNT = 16

cdef struct Line:                   # one word on two cache lines of its own: neighbours are fetched in pairs
    uint64_t value
    uint64_t padding[15]

cdef struct Geometry:               # what is chosen at creation; offsets follow from it
    uint64_t max_symbols            # a power of two
    uint64_t ring_capacity          # a power of two, in records
    uint64_t latency_window         # samples a handle
    uint64_t histogram_words        # a handle

cdef struct Offsets:                # in bytes from the start of the segment
    uint64_t names                  # NameEntry[max_symbols], by id
    uint64_t name_index             # uint32_t[2 * max_symbols]: id + 1, 0 = empty, by FNV-1a of the name
    uint64_t slots                  # 256 bytes a symbol
    uint64_t handles                # Handle[HANDLE_COUNT]
    uint64_t histograms             # uint64_t[histogram_words] a handle
    uint64_t windows                # uint64_t[latency_window] a handle
    uint64_t figures                # Figure[FIGURE_COUNT]
    uint64_t cursors                # Cursor[CURSOR_COUNT]
    uint64_t ring                   # 64 bytes a record
    uint64_t end

cdef struct Header:                 # the first page
    uint64_t magic
    uint32_t version
    uint32_t header_bytes
    uint64_t layout_hash            # over the widths and offsets of every struct here
    uint64_t generation             # counts the writers that this segment has had
    uint64_t superseded             # 1: a newer segment stands under this name
    uint64_t writer_pid
    int64_t created_ns
    int64_t reset_ns                # when the counters were last zeroed
    Geometry geometry
    Offsets offsets
    int64_t created_steady_ns       # the same moments by the steady clock, which no one sets
    int64_t reset_steady_ns
    uint64_t padding[8]             # up to 256 bytes
    Clock clock
    Line symbol_count               # released after the name and its index entry
    Line figure_count               # released after the figure's name
    Line ticket                     # records given out: the last one taken is the highest sequence
    Line limit                      # the ticket counter never passes it: the slowest holder + capacity; 0: unfinished

cdef struct NameEntry:
    uint64_t sequence               # of its SYMBOL record; 0 in a store without a stream
    uint64_t length                 # in bytes
    char name[NAME_BYTES]           # zero-padded

cdef struct Handle:                 # a writer's counters: one writer at a time
    uint64_t in_use
    uint64_t processed              # samples recorded and updates counted since the last reset
    uint64_t position               # where the window's next sample goes
    uint64_t out_of_order
    uint64_t batches
    uint64_t batch_rows
    uint64_t batch_ns
    uint64_t batch_max_ns
    uint64_t errors[REASON_COUNT]
    uint64_t padding[7]             # 256 bytes

cdef struct Figure:
    char name[FIGURE_NAME_BYTES]    # zero-padded
    double value

cdef struct Cursor:                 # a consumer that holds the ring
    uint64_t in_use                 # which registration; 0: free
    uint64_t position               # records taken
    char name[FIGURE_NAME_BYTES]    # zero-padded
    uint64_t full                   # what becomes of updates at a full ring: delivery/holding.pxd, enum Full
    int64_t full_timeout_ns
    uint64_t padding[8]             # 128 bytes


cdef struct Layout:                 # one process's view: sizes and places are copied once and trusted from then on
    Header* header
    Geometry geometry
    Offsets offsets


cdef inline void* segment_at(const Layout* layout, uint64_t offset) noexcept nogil:
    return <char*>layout.header + offset


cdef inline Handle* segment_handle(const Layout* layout, size_t index) noexcept nogil:
    return <Handle*>segment_at(layout, layout.offsets.handles) + index


cdef inline uint64_t* segment_window(const Layout* layout, size_t index) noexcept nogil:
    return <uint64_t*>segment_at(layout, layout.offsets.windows) + index * layout.geometry.latency_window


cdef inline uint64_t* segment_histogram(const Layout* layout, size_t index) noexcept nogil:
    return <uint64_t*>segment_at(layout, layout.offsets.histograms) + index * layout.geometry.histogram_words


cdef inline void figure_set(Figure* figure, double value) noexcept nogil:
    """A reader sees the old value or the new one, whole."""
    cdef uint64_t word
    (<double*>&word)[0] = value
    store_relaxed(<uint64_t*>&figure.value, word)


cdef inline double figure_get(const Figure* figure) noexcept nogil:
    cdef uint64_t word = load_relaxed(<const uint64_t*>&figure.value)
    return (<double*>&word)[0]


cdef inline void segment_set_unfinished(const Layout* layout, bint unfinished) noexcept nogil:
    """Say that what stands here is not whole, whatever its sequence says; meanwhile nobody can take a ticket.

    Ordered behind and before all that is filled in between, for whoever finds it after a crash."""
    store_release(&layout.header.limit.value, 0 if unfinished else <uint64_t>-1)
    fence_release()


cdef inline bint segment_is_unfinished(const Layout* layout) noexcept nogil:
    """Pairs with segment_set_unfinished."""
    return load_acquire(&layout.header.limit.value) == 0


cdef class Segment:
    cdef Layout layout
    cdef Header* header             # layout.header
    cdef readonly uint64_t size_bytes
    cdef readonly object file       # of a named segment

    cdef int map(self) except -1
    cdef void fill_header(self) noexcept
    cdef Figure* figure(self, bytes name) except NULL
    cdef int claim_handle(self) noexcept
    cdef void release_handle(self, int index) noexcept
