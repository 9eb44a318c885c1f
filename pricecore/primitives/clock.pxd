"""The hot path's clock: ticks of a cheap counter, and the wall time of a tick.

A `Clock` lies in the segment, so that another process turns the same ticks into the same wall times.
Two copies of the three figures are written alternately; `version` says which is valid. A writer killed
in mid-write leaves the valid copy intact, so no reader ever waits for one.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport fence_acquire, load_acquire, load_relaxed

cdef extern from "clock.h" nogil:
    uint64_t counter "pc_counter" () noexcept
    uint64_t scaled "pc_scale" (uint64_t ticks, uint64_t scale) noexcept
    int64_t clock_ns "pc_clock_ns" (int which) noexcept
    int CLOCK_WALL "PC_WALL"
    int CLOCK_STEADY "PC_MONOTONIC"
    int CLOCK_PROCESS_CPU "PC_PROCESS_CPU"

cdef struct ClockFigures:
    uint64_t tick               # at this tick
    uint64_t wall_ns            # the wall clock stood here
    uint64_t scale              # and went on by scale / 2^40 ns a tick
    uint64_t reserved

cdef struct Clock:              # 128 bytes
    uint64_t version            # figures[version & 1] are valid
    uint64_t counts             # 1: ticks are the processor's counter; 0: ns of the steady clock
    uint64_t reserved[6]
    ClockFigures figures[2]

cdef struct ClockSample:        # the three clocks at one moment
    uint64_t tick
    int64_t steady_ns
    int64_t wall_ns

cdef struct ClockKeeper:        # what the writer's process remembers between two corrections
    ClockSample last
    int64_t offset_ns           # wall - steady: the highest seen, so a step back is not followed

cdef struct Reading:            # one tick, understood
    int64_t wall_ns
    uint64_t scale


cdef inline uint64_t clock_ticks(const Clock* clock) noexcept nogil:
    if clock.counts:
        return counter()
    return <uint64_t>clock_ns(CLOCK_STEADY)


cdef inline Reading clock_read(const Clock* clock, uint64_t tick) noexcept nogil:
    """Return the wall time of `tick`; a tick taken just before the latest correction reads as that moment."""
    cdef uint64_t version, passed
    cdef const ClockFigures* figures
    cdef Reading reading
    while True:
        version = load_acquire(&clock.version)          # pairs with the release in clock_publish
        figures = &clock.figures[version & 1]
        passed = tick - load_relaxed(&figures.tick)
        reading.wall_ns = <int64_t>load_relaxed(&figures.wall_ns)
        reading.scale = load_relaxed(&figures.scale)
        fence_acquire()                                 # the re-check stays behind the loads
        if load_relaxed(&clock.version) == version:
            break
    if <int64_t>passed > 0:
        reading.wall_ns += <int64_t>scaled(passed, reading.scale)
    return reading


cdef void clock_start(Clock* clock, ClockKeeper* keeper, int64_t not_before_ns) noexcept nogil
cdef void clock_correct(Clock* clock, ClockKeeper* keeper) noexcept nogil
cdef void clock_correct_to(Clock* clock, ClockKeeper* keeper, ClockSample now) noexcept nogil
