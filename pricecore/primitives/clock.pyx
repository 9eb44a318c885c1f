"""Calibration and correction of the hot path's clock.

Source      the processor's counter where it is constant and non-stop and the kernel trusts it too, else the
            steady clock. `PRICECORE_CLOCK=monotonic` forces the latter.
Contract    in one thread the wall time read never goes back; it stays within 1 ms of a wall clock that is not
            stepped back. A step forward is followed at the next correction, a step back is not.
Progress    a reader repeats only while a correction (one a second) passes; one writer.
Invariants  the target is the steady clock plus the highest offset to the wall clock seen. Behind it: step forward at
            once. Ahead of it: the next second runs slower by just that much. For GRACE_NS behind its sample a
            correction reads no earlier than the figures before it: a thread may have read those meanwhile.
Orderings   clock_publish's release store of `version` pairs with clock_read's acquire load.
"""

import os
from pathlib import Path

from libc.stdint cimport int64_t, uint64_t

from pricecore.primitives.atomics cimport fence_release, load_relaxed, store_relaxed, store_release


cdef extern from "clock.h" nogil:
    int HAS_COUNTER "PC_HAS_COUNTER"
    int counter_is_invariant "pc_counter_is_invariant" () noexcept


cdef enum:
    SAMPLE_TRIES = 8                    # the tightest of these counts: an interrupt widens some
    FIRST_CALIBRATION_NS = 2_000_000    # 2 ms: right to about 25 ppm, until the first correction
    BASELINE_NS = 200_000_000           # a shorter stretch does not improve the rate
    SECOND_NS = 1_000_000_000
    GRACE_NS = 100_000_000              # a keeper that loses the core between sample and publication has it back

cdef uint64_t ONE = <uint64_t>1 << 40   # a scale of 1 ns a tick
cdef bint use_counter = False
cdef uint64_t first_scale = 0           # found once a process


cdef ClockSample sample(bint counts) noexcept nogil:
    """Read the three clocks at one moment: the reading whose counter moved least around it."""
    cdef ClockSample best, now
    cdef uint64_t before, after, width, narrowest = <uint64_t>-1
    cdef int _
    best.tick = 0
    best.steady_ns = best.wall_ns = 0
    for _ in range(SAMPLE_TRIES):
        before = counter() if counts else <uint64_t>clock_ns(CLOCK_STEADY)
        now.steady_ns = clock_ns(CLOCK_STEADY)
        now.wall_ns = clock_ns(CLOCK_WALL)
        after = counter() if counts else <uint64_t>clock_ns(CLOCK_STEADY)
        width = after - before
        if width < narrowest:
            narrowest = width
            best = now
            best.tick = before + width // 2 if counts else <uint64_t>now.steady_ns
    return best


cdef uint64_t rate(ClockSample a, ClockSample b) noexcept nogil:
    """Return the scale (ns a tick, times 2^40) between two samples."""
    return <uint64_t>(<double>(b.steady_ns - a.steady_ns) / <double>(b.tick - a.tick) * <double>ONE + 0.5)


cdef uint64_t calibrate() noexcept nogil:
    cdef ClockSample begin = sample(True)
    cdef ClockSample end = begin
    while end.steady_ns - begin.steady_ns < FIRST_CALIBRATION_NS:
        end = sample(True)
    return rate(begin, end)


cdef void clock_publish(Clock* clock, uint64_t tick, int64_t wall_ns, uint64_t scale) noexcept nogil:
    """Write the copy that is not valid, then make it the valid one."""
    cdef uint64_t version = load_relaxed(&clock.version) + 1
    cdef ClockFigures* figures = &clock.figures[version & 1]
    fence_release()                                     # a reader of old figures fails its re-check
    store_relaxed(&figures.tick, tick)
    store_relaxed(&figures.wall_ns, <uint64_t>wall_ns)
    store_relaxed(&figures.scale, scale)
    store_release(&clock.version, version)              # pairs with the acquire in clock_read


cdef void clock_start(Clock* clock, ClockKeeper* keeper, int64_t not_before_ns) noexcept nogil:
    """Calibrate (once a process) and start the clock, no earlier than `not_before_ns`."""
    global first_scale
    clock.counts = use_counter
    if first_scale == 0:
        first_scale = calibrate() if use_counter else ONE
    keeper.last = sample(use_counter)
    keeper.offset_ns = max(keeper.last.wall_ns, not_before_ns) - keeper.last.steady_ns
    clock_publish(clock, keeper.last.tick, keeper.last.steady_ns + keeper.offset_ns, first_scale)


cdef void clock_correct(Clock* clock, ClockKeeper* keeper) noexcept nogil:
    """Measure the rate again and lead the clock back to the wall clock. Once a second, off the hot path."""
    clock_correct_to(clock, keeper, sample(clock.counts))


cdef void clock_correct_to(Clock* clock, ClockKeeper* keeper, ClockSample now) noexcept nogil:
    cdef Reading ours = clock_read(clock, now.tick)
    cdef uint64_t scale = ours.scale
    cdef int64_t target_ns, ahead_ns, start_ns
    if clock.counts and now.steady_ns - keeper.last.steady_ns >= BASELINE_NS and now.tick > keeper.last.tick:
        scale = rate(keeper.last, now)
    elif not clock.counts:
        scale = ONE
    keeper.offset_ns = max(keeper.offset_ns, now.wall_ns - now.steady_ns)
    keeper.last = now
    target_ns = now.steady_ns + keeper.offset_ns
    ahead_ns = ours.wall_ns - target_ns
    if ahead_ns > 0:
        # Slower for a second by what we are ahead, at the most by half.
        scale -= <uint64_t>(<double>scale * min(<double>ahead_ns / SECOND_NS, 0.5))
    start_ns = ours.wall_ns + 1         # the fraction that the reading lost
    if scale < ours.scale:
        # A slower line starts higher by what it loses in the grace.
        start_ns += <int64_t>(GRACE_NS * (1.0 - <double>scale / <double>ours.scale)) + 1
    clock_publish(clock, now.tick, max(start_ns, target_ns), scale)


def _kernel_trusts_the_counter() -> bool:
    """Return False when the kernel itself has fallen back to a slower clock source."""
    path = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    try:
        return path.read_text().strip() not in ("hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit")
    except OSError:
        return True


def _choose_source() -> tuple[bool, str]:
    wish = os.environ.get("PRICECORE_CLOCK", "auto")
    if wish not in ("auto", "monotonic"):
        raise ValueError(f"PRICECORE_CLOCK is {wish!r}; it must be 'auto' or 'monotonic'")
    if wish == "monotonic":
        return False, "PRICECORE_CLOCK=monotonic"
    if not HAS_COUNTER:
        return False, "no counter is used on this architecture"
    if not counter_is_invariant():
        return False, "the processor's counter is not constant and non-stop"
    if not _kernel_trusts_the_counter():
        return False, "the kernel does not trust the processor's counter"
    return True, "the processor's counter is constant and non-stop"


use_counter, _why = _choose_source()


def describe() -> dict[str, object]:
    """Return which clock the hot path reads, and why.

    Returns
    -------
    dict
        `source` ("counter" or "clock_gettime"), `reason`, and `ns_per_tick` (0.0 before the first engine).
    """
    scale = first_scale if use_counter else ONE
    return {
        "source": "counter" if use_counter else "clock_gettime",
        "reason": _why,
        "ns_per_tick": <double>scale / <double>ONE,
    }


cdef class _TestClock:
    """A clock whose corrections a test makes up: steps and drifts without touching the machine's."""

    cdef Clock clock
    cdef ClockKeeper keeper

    def __cinit__(self, tick, steady_ns, wall_ns, ns_per_tick):
        self.clock.counts = 1
        self.keeper.last = ClockSample(tick, steady_ns, wall_ns)
        self.keeper.offset_ns = <int64_t>wall_ns - <int64_t>steady_ns
        clock_publish(&self.clock, tick, wall_ns, <uint64_t>(<double>ns_per_tick * <double>ONE + 0.5))

    def read(self, uint64_t tick):
        return clock_read(&self.clock, tick).wall_ns

    def correct(self, uint64_t tick, int64_t steady_ns, int64_t wall_ns):
        clock_correct_to(&self.clock, &self.keeper, ClockSample(tick, steady_ns, wall_ns))
