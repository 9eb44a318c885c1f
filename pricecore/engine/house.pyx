"""Housekeeping of an engine, on the housekeeping thread: no GIL, no lock of the engine, no Python."""

from libc.stdint cimport int64_t, uint64_t

from pricecore.engine.cache_figures cimport write_caches
from pricecore.engine.gather cimport processed_of
from pricecore.engine.subscription_figures cimport GroupList, write_subscriptions
from pricecore.primitives.clock cimport (
    CLOCK_PROCESS_CPU, CLOCK_STEADY, clock_correct, clock_ns, clock_start,
)
from pricecore.primitives.housekeeping cimport chore_add, chore_remove
from pricecore.primitives.pool cimport BufferPool, PoolCounts, pool_counts
from pricecore.primitives.segment cimport figure_get, figure_set

POOL_FIGURE_NAMES = (
    b"pool_capacity", b"pool_available", b"pool_outstanding", b"pool_hits", b"pool_misses", b"pool_dropped")


cdef double cpu_percent_since(const House* house) noexcept nogil:
    """Return the process CPU of the running second: what there is before the first one is over."""
    cdef double passed_ns = <double>(clock_ns(CLOCK_STEADY) - house.begun_steady_ns)
    # The clock of the process's CPU time may step back by 10 ns.
    cdef int64_t used_ns = max(0, clock_ns(CLOCK_PROCESS_CPU) - house.begun_cpu_ns)
    return 100.0 * used_ns / passed_ns if passed_ns > 0 else 0.0


cdef void write_pool_figures(House* house) noexcept nogil:
    """In the order of POOL_FIGURE_NAMES."""
    cdef PoolCounts counts
    cdef double values[POOL_FIGURES]
    cdef int i
    pool_counts(house.pool, &counts)
    values[0], values[1], values[2] = house.pool.buffers, counts.available, counts.outstanding
    values[3], values[4], values[5] = counts.hits, counts.misses, counts.dropped
    for i in range(POOL_FIGURES):
        figure_set(house.pool_figures[i], values[i])


cdef void once_a_second(void* argument) noexcept nogil:
    """Correct the clock; write throughput and process CPU. Runs on the housekeeping thread."""
    cdef House* house = <House*>argument
    cdef uint64_t processed = processed_of(house.engine.layout)
    cdef int64_t steady_ns = clock_ns(CLOCK_STEADY)
    cdef int64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPU)
    cdef double passed_s = <double>(steady_ns - house.steady_ns) / 1e9
    clock_correct(house.engine.clock, &house.keeper)
    write_pool_figures(house)
    write_caches(house_caches(house))
    write_subscriptions(house.subscriptions)
    if passed_s <= 0:
        return
    # After reset_stats the count has fallen: what came since then is what there is.
    figure_set(house.throughput, (
        processed - house.processed if processed >= house.processed else processed) / passed_s)
    figure_set(house.cpu, <double>max(0, cpu_ns - house.cpu_ns) / 1e7 / passed_s)
    house.processed, house.steady_ns, house.cpu_ns = processed, steady_ns, cpu_ns
    house_tick(house)


cdef void begin_second(House* house) noexcept nogil:
    """Call while the thread does not know this house."""
    house.begun_steady_ns = house.steady_ns = clock_ns(CLOCK_STEADY)
    house.begun_cpu_ns = house.cpu_ns = clock_ns(CLOCK_PROCESS_CPU)


cdef int house_begin(
        House* house, Engine* engine, Segment segment, BufferPool pool, const GroupList* subscriptions,
        int64_t not_before_ns) except -1:
    """Start the clock, no earlier than `not_before_ns`, and have it kept once a second."""
    house.engine = engine
    house.throughput = segment.figure(b"throughput_per_s")
    house.cpu = segment.figure(b"cpu_percent")
    house.pool = pool.pool
    house.subscriptions = subscriptions
    for i, name in enumerate(POOL_FIGURE_NAMES):
        house.pool_figures[i] = segment.figure(name)
    begin_second(house)
    clock_start(engine.clock, &house.keeper, not_before_ns)
    write_pool_figures(house)
    return chore_add(once_a_second, house)


cdef void house_begin_child(House* house) noexcept nogil:
    """In a forked child: its own CPU time counts from zero."""
    begin_second(house)


cdef void house_end(House* house) noexcept:
    """After this the thread does not touch the house, its engine or its segment."""
    chore_remove(house)


cdef double house_throughput(const House* house, uint64_t processed, double counted_s) noexcept nogil:
    """Return the updates a second of the last whole second; before it is over, of the time there is."""
    return figure_get(house.throughput) if house_has_ticked(house) else processed / counted_s


cdef double house_cpu_percent(const House* house) noexcept nogil:
    """Return the process CPU of the last whole second; before it is over, of the time there is."""
    return figure_get(house.cpu) if house_has_ticked(house) else cpu_percent_since(house)
