"""Level 5: what the housekeeping thread does for an engine once a second: clock, throughput, process CPU."""

from libc.stdint cimport int64_t, uint64_t

from pricecore.engine.cache_figures cimport CacheNode
from pricecore.engine.hotpath cimport Engine
from pricecore.engine.subscription_figures cimport GroupList
from pricecore.primitives.atomics cimport load_acquire, store_release
from pricecore.primitives.clock cimport ClockKeeper
from pricecore.primitives.pool cimport BufferPool, Pool
from pricecore.primitives.push_list cimport push, pushed_first
from pricecore.primitives.segment cimport Figure, Segment

cdef enum:
    POOL_FIGURES = 6

cdef struct House:                  # what it remembers between two seconds
    Engine* engine
    ClockKeeper keeper
    Figure* throughput
    Figure* cpu
    Pool* pool
    Figure* pool_figures[POOL_FIGURES]
    CacheNode* caches               # the last one added; leads to those before it
    const GroupList* subscriptions
    uint64_t processed
    int64_t steady_ns
    int64_t cpu_ns
    int64_t begun_steady_ns         # these two stay: metrics() reads them beside the thread
    int64_t begun_cpu_ns
    uint64_t ticks                  # seconds kept


cdef inline CacheNode* house_caches(const House* house) noexcept nogil:
    return <CacheNode*>pushed_first(<const uint64_t*>&house.caches)


cdef inline void house_add_cache(House* house, CacheNode* node) noexcept nogil:
    """The node lives as long as the house."""
    push(<uint64_t*>&house.caches, <uint64_t*>&node.next, node)


cdef inline bint house_has_ticked(const House* house) noexcept nogil:
    """The figures of at least one second are there; pairs with house_tick."""
    return load_acquire(&house.ticks) != 0


cdef inline void house_tick(House* house) noexcept nogil:
    store_release(&house.ticks, house.ticks + 1)


cdef int house_begin(
    House* house, Engine* engine, Segment segment, BufferPool pool, const GroupList* subscriptions,
    int64_t not_before_ns) except -1
cdef void house_begin_child(House* house) noexcept nogil
cdef void house_end(House* house) noexcept
cdef double house_throughput(const House* house, uint64_t processed, double counted_s) noexcept nogil
cdef double house_cpu_percent(const House* house) noexcept nogil
