"""What Python cannot reach of segment, housekeeping and clock."""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free

from pricecore.prices.slot cimport Copy, Slot
from pricecore.primitives.atomics cimport fetch_add_relaxed, load_acquire, load_relaxed, store_release
from pricecore.primitives.clock cimport Clock, ClockFigures, ClockKeeper, ClockSample, clock_correct_to, clock_read
from pricecore.primitives.housekeeping cimport chore_add, chore_remove
from pricecore.primitives.segment cimport (
    CURSOR_COUNT,
    FIGURE_COUNT,
    HANDLE_COUNT,
    HEADER_BYTES,
    Cursor,
    Figure,
    Handle,
    Header,
    NameEntry,
    Segment,
    figure_get,
    figure_set,
    segment_handle,
    segment_histogram,
    segment_window,
)
from pricecore.types cimport Record

cdef extern from "sched.h" nogil:
    int sched_yield()

cdef extern from "time.h" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    int nanosleep(const timespec* wanted, timespec* left)


def sizes():
    """Return the sizes that other processes rely on, in bytes, and the counts."""
    return {
        "record": sizeof(Record), "copy": sizeof(Copy), "slot": sizeof(Slot), "handle": sizeof(Handle),
        "name_entry": sizeof(NameEntry), "figure": sizeof(Figure), "cursor": sizeof(Cursor), "clock": sizeof(Clock),
        "clock_figures": sizeof(ClockFigures), "header": sizeof(Header), "header_page": HEADER_BYTES,
        "handles": HANDLE_COUNT, "figures": FIGURE_COUNT, "cursors": CURSOR_COUNT,
    }


def claim(Segment segment not None):
    return segment.claim_handle()


def release(Segment segment not None, int index):
    segment.release_handle(index)


def handle_offsets(Segment segment not None, size_t index):
    """Return where counters, window and histogram of a handle begin, in bytes from the start of the segment."""
    cdef char* start = <char*> segment.header
    return (
        <char*> segment_handle(segment.header, index) - start,
        <char*> segment_window(segment.header, index) - start,
        <char*> segment_histogram(segment.header, index) - start,
    )


def set_figure(Segment segment not None, bytes name not None, double value):
    figure_set(segment.figure(name), value)


def get_figure(Segment segment not None, bytes name not None):
    return figure_get(segment.figure(name))


cdef struct Count:
    uint64_t runs


cdef void count_up(void* argument) noexcept nogil:
    fetch_add_relaxed(&(<Count*> argument).runs, 1)


cdef class Chore:
    """A chore that counts its runs."""

    cdef Count* count

    def __cinit__(self):
        self.count = <Count*> calloc(1, sizeof(Count))
        if self.count == NULL:
            raise MemoryError()

    def __dealloc__(self):
        chore_remove(self.count)
        free(self.count)

    def add(self):
        chore_add(count_up, self.count)

    def remove(self):
        chore_remove(self.count)

    @property
    def runs(self):
        return load_relaxed(&self.count.runs)


def hold_the_gil(double seconds):
    """Sleep without giving the GIL away, as a long call of another extension does."""
    cdef timespec wanted
    wanted.tv_sec = <long> seconds
    wanted.tv_nsec = <long> ((seconds - wanted.tv_sec) * 1e9)
    nanosleep(&wanted, NULL)


cdef class SharedClock:
    """A clock on the line wall = tick: a torn reading is seconds off, a whole one at the most milliseconds."""

    cdef Clock* clock
    cdef ClockKeeper keeper
    cdef uint64_t readers
    cdef uint64_t done

    def __cinit__(self):
        self.clock = <Clock*> calloc(1, sizeof(Clock))
        if self.clock == NULL:
            raise MemoryError()
        self.clock.counts = 1
        self.keeper.last = ClockSample(1, 1, 1)
        clock_correct_to(self.clock, &self.keeper, ClockSample(2_000_000_000, 2_000_000_000, 2_000_000_000))

    def __dealloc__(self):
        free(self.clock)

    def correct_many(self, int64_t times, uint64_t readers):
        """Correct once a simulated second, as fast as it goes, from when that many threads read."""
        cdef int64_t i, at
        with nogil:
            while load_relaxed(&self.readers) < readers:
                sched_yield()
            for i in range(times):
                at = (i + 3) * 1_000_000_000
                clock_correct_to(self.clock, &self.keeper, ClockSample(at, at, at))
            store_release(&self.done, 1)            # pairs with the acquire in read_many

    def read_many(self, uint64_t tick):
        """Read one tick, beyond all corrections, until they are done; return how many readings were off the line."""
        cdef uint64_t wrong = 0
        cdef int64_t off_ns
        with nogil:
            fetch_add_relaxed(&self.readers, 1)
            while not load_acquire(&self.done):     # pairs with the release in correct_many
                off_ns = clock_read(self.clock, tick).wall_ns - <int64_t> tick
                wrong += off_ns > 500_000_000 or off_ns < -500_000_000
        return wrong
