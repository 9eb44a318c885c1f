"""Makes a segment: lays the rooms out, fills the header, hands out handles and figures."""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from pricecore.primitives.atomics cimport cas_acq_rel, load_acquire, store_release
from pricecore.primitives.clock cimport CLOCK_STEADY, CLOCK_WALL, clock_ns
from pricecore.primitives.memory cimport map_file, map_private, unmap

import errno
import os

from pricecore.errors import SegmentError

cdef enum:
    PAGE_BYTES = 4096
    SLOT_BYTES = 256
    RING_CELL_BYTES = 64
    MAX_CAPACITY = 1 << 30
    MIN_CAPACITY = 1024
    MAX_HANDLE_WORDS = 1 << 26          # of a window, or of a histogram

MAGIC = int.from_bytes(b"PRICECOR", "little")
BEGIN_ANEW = ("once its writer has ended, PriceEngine(name, resume=False) begins a new one, or "
              "`pricecore info --remove-orphaned` deletes it")


cdef extern from *:
    """
    #define PC_FNV_OFFSET UINT64_C(0xCBF29CE484222325)
    #define PC_FNV_PRIME UINT64_C(0x100000001B3)
    """
    const uint64_t FNV_OFFSET "PC_FNV_OFFSET"
    const uint64_t FNV_PRIME "PC_FNV_PRIME"


cdef uint64_t layout_hash() noexcept nogil:
    """FNV-1a over every width and offset that two processes must agree on."""
    cdef Header h
    cdef Handle handle
    cdef uint64_t parts[20]
    cdef char* base = <char*>&h
    cdef uint64_t mixed = FNV_OFFSET
    cdef int i, shift
    parts[0] = sizeof(Header)
    parts[1] = <char*>&h.geometry - base
    parts[2] = <char*>&h.offsets - base
    parts[3] = <char*>&h.clock - base
    parts[4] = <char*>&h.symbol_count - base
    parts[5] = <char*>&h.figure_count - base
    parts[6] = <char*>&h.ticket - base
    parts[7] = <char*>&h.limit - base
    parts[8] = sizeof(Clock)
    parts[9] = sizeof(NameEntry)
    parts[10] = sizeof(Handle)
    parts[11] = <char*>handle.errors - <char*>&handle
    parts[12] = sizeof(Figure)
    parts[13] = sizeof(Cursor)
    parts[14] = HANDLE_COUNT
    parts[15] = FIGURE_COUNT
    parts[16] = CURSOR_COUNT
    parts[17] = SLOT_BYTES
    parts[18] = RING_CELL_BYTES
    parts[19] = SEGMENT_VERSION
    for i in range(20):
        for shift in range(0, 64, 8):
            mixed = (mixed ^ ((parts[i] >> shift) & 0xFF)) * FNV_PRIME
    return mixed


cdef uint64_t next_page(uint64_t offset) noexcept nogil:
    return (offset + PAGE_BYTES - 1) & ~<uint64_t>(PAGE_BYTES - 1)


cdef Offsets lay_out(Geometry geometry) noexcept nogil:
    """Return where each room begins: every one on a page of its own."""
    cdef Offsets at
    at.names = HEADER_BYTES
    at.name_index = next_page(at.names + geometry.max_symbols * sizeof(NameEntry))
    at.slots = next_page(at.name_index + 2 * geometry.max_symbols * sizeof(uint32_t))
    at.handles = next_page(at.slots + geometry.max_symbols * SLOT_BYTES)
    at.histograms = next_page(at.handles + HANDLE_COUNT * sizeof(Handle))
    at.windows = next_page(at.histograms + HANDLE_COUNT * geometry.histogram_words * sizeof(uint64_t))
    at.figures = next_page(at.windows + HANDLE_COUNT * geometry.latency_window * sizeof(uint64_t))
    at.cursors = next_page(at.figures + FIGURE_COUNT * sizeof(Figure))
    at.ring = next_page(at.cursors + CURSOR_COUNT * sizeof(Cursor))
    at.end = next_page(at.ring + geometry.ring_capacity * RING_CELL_BYTES)
    return at


def round_capacity(name: str, value: object) -> int:
    """Return `value` rounded up to a power of two, at least 1,024; ValueError names the option."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if not 1 <= value <= MAX_CAPACITY:
        raise ValueError(f"{name} is {value}; it must lie between 1 and {MAX_CAPACITY:,}")
    return max(MIN_CAPACITY, 1 << (value - 1).bit_length())


def check_words(name: str, value: object) -> int:
    """Return `value`, the words that each handle gets; ValueError names the option."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if not 1 <= value <= MAX_HANDLE_WORDS:
        raise ValueError(f"{name} is {value}; it must lie between 1 and {MAX_HANDLE_WORDS:,}")
    return value


cdef Geometry check_geometry(max_symbols, ring_capacity, latency_window, histogram_words) except *:
    cdef Geometry geometry
    geometry.max_symbols = round_capacity("max_symbols", max_symbols)
    geometry.ring_capacity = round_capacity("ring_capacity", ring_capacity)
    geometry.latency_window = check_words("latency_window", latency_window)
    geometry.histogram_words = check_words("histogram_words", histogram_words)
    return geometry


def plan(max_symbols, ring_capacity, latency_window, histogram_words) -> tuple[dict[str, int], int]:
    """Return the sizes that a segment of these wishes gets, and its bytes; errors as `Segment`."""
    cdef Geometry geometry = check_geometry(max_symbols, ring_capacity, latency_window, histogram_words)
    return sizes_of(&geometry), lay_out(geometry).end


cdef dict sizes_of(const Geometry* geometry):
    return {
        "max_symbols": geometry.max_symbols, "ring_capacity": geometry.ring_capacity,
        "latency_window": geometry.latency_window, "histogram_words": geometry.histogram_words,
    }


def sizes_in(bytes page not None, file_bytes, path) -> dict[str, int]:
    """Return the sizes that a segment's first page states, having checked all that can be checked.

    Raises
    ------
    SegmentError
        This is no segment, one of another version, or it is damaged; the message says which and what to do.
    """
    cdef Header header
    cdef Geometry geometry
    cdef Offsets offsets
    reason = ""
    if len(page) < <Py_ssize_t>sizeof(Header):
        raise SegmentError(errno.EINVAL, f"{len(page)} bytes are no segment", str(path))
    memcpy(&header, <const char*>page, sizeof(Header))
    if header.magic != <uint64_t>MAGIC:
        reason = "this is no segment, or one that is not complete"
    elif header.version != SEGMENT_VERSION or header.header_bytes != HEADER_BYTES:
        reason = (f"this segment is of version {header.version}, this pricecore reads version {SEGMENT_VERSION}; "
                  f"{BEGIN_ANEW}")
    elif header.layout_hash != layout_hash():
        reason = f"this segment was laid out by another build of pricecore; {BEGIN_ANEW}"
    else:
        try:
            geometry = check_geometry(
                header.geometry.max_symbols, header.geometry.ring_capacity, header.geometry.latency_window,
                header.geometry.histogram_words)
        except ValueError as error:
            reason = f"this segment is damaged: {error}"
        else:
            offsets = lay_out(geometry)
            if memcmp(&geometry, &header.geometry, sizeof(Geometry)):
                reason = "this segment is damaged: a size that is no power of two"
            elif memcmp(&offsets, &header.offsets, sizeof(Offsets)) or offsets.end != file_bytes:
                reason = f"this segment is damaged: it has {file_bytes:,} bytes and should have {offsets.end:,}"
    if reason:
        raise SegmentError(errno.EINVAL, reason, str(path))
    return sizes_of(&header.geometry)


def facts_in(bytes page not None) -> dict[str, int]:
    """Return what a segment's first page says of its writer; zeros when it says nothing."""
    cdef Header header
    memset(&header, 0, sizeof(Header))
    memcpy(&header, <const char*>page, min(len(page), <Py_ssize_t>sizeof(Header)))
    if header.magic != <uint64_t>MAGIC:
        memset(&header, 0, sizeof(Header))
    return {
        "generation": header.generation, "superseded": header.superseded, "writer_pid": header.writer_pid,
        "created_ns": header.created_ns,
    }


def supersede(int descriptor) -> None:
    """Tell whoever has this file mapped to look at its name again. Call with the lock held."""
    cdef Header header
    os.pwrite(descriptor, (1).to_bytes(8, "little"), <char*>&header.superseded - <char*>&header)


cdef str figure_name(const Figure* figure):
    return (<bytes>figure.name[:FIGURE_NAME_BYTES]).rstrip(b"\0").decode("utf-8", "replace")


cdef class Segment:
    """Memory laid out as a segment: private, or that of a file that other processes map too.

    Parameters
    ----------
    max_symbols, ring_capacity : int
        1 to 2**30; rounded up to a power of two, at least 1,024.
    latency_window : int
        Samples a writer handle, 1 to 2**26.
    histogram_words : int
        Words of one handle's histogram, 1 to 2**26.
    file : SegmentFile, optional
        Where the segment lies; its header gets filled when the file is fresh, and is taken as checked when not.

    Raises
    ------
    ValueError, TypeError
        A size is out of its range or no int. MemoryError: the system gives no such address space.

    Cost: reserves address space; a page costs memory when it is first written.
    """

    def __cinit__(self, max_symbols, ring_capacity, latency_window, histogram_words, file=None):
        self.layout.geometry = check_geometry(max_symbols, ring_capacity, latency_window, histogram_words)
        self.layout.offsets = lay_out(self.layout.geometry)
        self.size_bytes = self.layout.offsets.end
        self.file = file
        self.map()
        if file is None or file.fresh:
            self.fill_header()
        elif file.writable:
            self.header.writer_pid = <uint64_t>os.getpid()      # whoever is refused from now on is told

    cdef int map(self) except -1:
        if self.file is None:
            self.header = <Header*>map_private(self.size_bytes)
        else:
            descriptor = self.file.open_to_map()
            self.header = <Header*>map_file(descriptor, self.size_bytes, self.file.writable)
            os.close(descriptor)
        if self.header == NULL:
            raise MemoryError(f"no {self.size_bytes:,} bytes for a segment of {self.layout.geometry.max_symbols:,} "
                              f"symbols and {self.layout.geometry.ring_capacity:,} records")
        self.layout.header = self.header
        return 0

    def __dealloc__(self):
        if self.header != NULL:
            unmap(self.header, self.size_bytes)
            self.header = NULL

    cdef void fill_header(self) noexcept:
        cdef Header* header = self.header
        header.geometry = self.layout.geometry
        header.offsets = self.layout.offsets
        header.version = SEGMENT_VERSION
        header.header_bytes = HEADER_BYTES
        header.layout_hash = layout_hash()
        header.generation = 1
        header.writer_pid = <uint64_t>os.getpid()
        header.created_ns = header.reset_ns = clock_ns(CLOCK_WALL)
        header.created_steady_ns = header.reset_steady_ns = clock_ns(CLOCK_STEADY)
        header.limit.value = <uint64_t>-1           # nobody holds the ring
        store_release(&header.magic, <uint64_t>MAGIC)   # last: who sees it sees the rest

    cdef Figure* figure(self, bytes name) except NULL:
        """Return the figure of this name, new with value 0.0 at first. Threads: any, with the GIL."""
        cdef Figure* figures = <Figure*>segment_at(&self.layout, self.layout.offsets.figures)
        cdef const char* wanted
        cdef uint64_t i, count
        if not 0 < len(name) <= FIGURE_NAME_BYTES:
            raise ValueError(f"a figure's name has 1 to {FIGURE_NAME_BYTES} bytes, not {name!r}")
        cdef bytes padded = name.ljust(FIGURE_NAME_BYTES, b"\0")
        wanted = padded
        with cython.critical_section(self):
            count = self.header.figure_count.value
            for i in range(count):
                if memcmp(figures[i].name, wanted, FIGURE_NAME_BYTES) == 0:
                    return &figures[i]
            if count == FIGURE_COUNT:
                raise ValueError(f"no place for the figure {name!r}: all {FIGURE_COUNT} are taken")
            memcpy(figures[count].name, wanted, FIGURE_NAME_BYTES)
            store_release(&self.header.figure_count.value, count + 1)   # pairs with the acquire of whoever lists them
            return &figures[count]

    cdef int claim_handle(self) noexcept:
        """Return the index of a free writer handle, or -1: all are taken. Handle 0 is the engine's own."""
        cdef uint64_t free
        for i in range(1, HANDLE_COUNT):
            free = 0
            if cas_acq_rel(&segment_handle(&self.layout, i).in_use, &free, 1):
                return i
        return -1

    cdef void release_handle(self, int index) noexcept:
        """Give a handle back; what it counted stays."""
        store_release(&segment_handle(&self.layout, index).in_use, 0)

    @property
    def generation(self):
        """How many writers this segment, and those before it under its name, have had."""
        return load_acquire(&self.header.generation)

    @property
    def superseded(self):
        """True when a newer segment stands under this name."""
        return load_acquire(&self.header.superseded) != 0

    @property
    def writer_pid(self):
        """The process that wrote, or writes, this segment."""
        return self.header.writer_pid

    def take_over(self, uint64_t generation):
        """Say who writes now, once everything is mended. Readers then see the new generation."""
        self.header.writer_pid = <uint64_t>os.getpid()
        store_release(&self.header.superseded, 0)       # one who died before a newer one had its name has left it
        store_release(&self.header.generation, generation)  # pairs with the acquire of who asks for it

    def figures(self) -> dict[str, float]:
        """Return all named figures."""
        cdef const Figure* figures = <const Figure*>segment_at(&self.layout, self.layout.offsets.figures)
        cdef uint64_t count = min(load_acquire(&self.header.figure_count.value), <uint64_t>FIGURE_COUNT)
        return {figure_name(&figures[i]): figure_get(&figures[i]) for i in range(count)}

    @property
    def last_sequence(self):
        """The highest sequence given out."""
        return load_acquire(&self.header.ticket.value)      # as ring_sequence

    @property
    def unfinished(self):
        """True while it is filled from a log, and for ever when that was cut short."""
        return segment_is_unfinished(&self.layout)

    def describe(self) -> dict[str, int]:
        """Return the header's geometry, offsets and sizes in bytes, for drawings and tests."""
        h = self.layout
        return {
            "version": h.header.version, "layout_hash": h.header.layout_hash, "size_bytes": self.size_bytes,
            "max_symbols": h.geometry.max_symbols, "ring_capacity": h.geometry.ring_capacity,
            "latency_window": h.geometry.latency_window, "histogram_words": h.geometry.histogram_words,
            "names": h.offsets.names, "name_index": h.offsets.name_index, "slots": h.offsets.slots,
            "handles": h.offsets.handles, "histograms": h.offsets.histograms, "windows": h.offsets.windows,
            "figures": h.offsets.figures, "cursors": h.offsets.cursors, "ring": h.offsets.ring,
        }

    def view(self) -> memoryview:
        """Return the segment's bytes, read-only, for tests and tools; alive as long as the view."""
        return memoryview(self)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.header, <Py_ssize_t>self.size_bytes, 1, flags)
