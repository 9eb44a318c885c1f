"""What followers of one name tell of themselves, for whoever sums it up without knowing, or keeping, any of them.

Source      a list that only grows, whose places are used again: the records of Michael's hazard pointers (2004).
Contract    a place belongs to one follower from `place_taken` to `place_leave`; only the thread that polls it tells.
            `group_sum` may run in any thread, without the GIL: each word is one that was told, some may be a moment
            older than others. Places are freed with the group, which followers and engine keep alive.
Progress    telling and summing are wait-free (there are as many places as followers were open at once); taking a place
            is lock-free.
Invariants  the counts of a place never fall, whoever has it: the next follower counts on from there. So the sums lack
            nothing of followers that are gone, and nobody has to add those up.
Orderings   place_open (release) pairs with is_place_open (acquire): a position seen then is this follower's, not that
            of the one before. Places are added and seen as push_list.pxd says.
"""

from libc.stdint cimport uint64_t

from pricecore.delivery.ring cimport Ring
from pricecore.primitives.atomics cimport cas_acquire, load_acquire, load_relaxed, store_relaxed, store_release
from pricecore.primitives.push_list cimport push, pushed_first

cdef enum PlaceState:
    PLACE_FREE = 0
    PLACE_TAKEN = 1                 # by a follower that does not follow yet, or was closed
    PLACE_OPEN = 2

cdef struct Told:
    uint64_t delivered
    uint64_t conflated
    uint64_t lost

cdef struct Place:                  # cache lines of its own: its follower writes it at every poll
    Place* next
    uint64_t state
    uint64_t position               # records looked at
    Told told

cdef struct Group:
    Place* places                   # the last one made; leads to those before it

cdef struct GroupSum:
    uint64_t open
    uint64_t lag_records            # of the follower furthest behind
    double lag_s                    # how old the first record is that it has not looked at
    Told told


cdef inline Place* group_places(const Group* group) noexcept nogil:
    return <Place*>pushed_first(<const uint64_t*>&group.places)


cdef inline void group_add(Group* group, Place* place) noexcept nogil:
    push(<uint64_t*>&group.places, <uint64_t*>&place.next, place)


cdef inline bint place_taken(Place* place) noexcept nogil:
    """Take a place that is free; what its last follower told is seen then. Pairs with place_leave."""
    cdef uint64_t state = PLACE_FREE
    return cas_acquire(&place.state, &state, PLACE_TAKEN)


cdef inline void place_open(Place* place) noexcept nogil:
    store_release(&place.state, PLACE_OPEN)


cdef inline void place_close(Place* place) noexcept nogil:
    """The follower is not counted any more; a poll that just ends may still tell."""
    store_release(&place.state, PLACE_TAKEN)


cdef inline void place_leave(Place* place) noexcept nogil:
    """Nobody polls this follower any more: pairs with place_taken."""
    store_release(&place.state, PLACE_FREE)


cdef inline bint is_place_open(const Place* place) noexcept nogil:
    return load_acquire(&place.state) == PLACE_OPEN


cdef inline void place_tell(Place* place, uint64_t position, const Told* told) noexcept nogil:
    store_relaxed(&place.position, position)
    store_relaxed(&place.told.delivered, told.delivered)
    store_relaxed(&place.told.conflated, told.conflated)
    store_relaxed(&place.told.lost, told.lost)


cdef inline Told place_told(const Place* place) noexcept nogil:
    cdef Told told
    told.delivered = load_relaxed(&place.told.delivered)
    told.conflated = load_relaxed(&place.told.conflated)
    told.lost = load_relaxed(&place.told.lost)
    return told


cdef class FollowerGroup:
    cdef Group group

    cdef Place* take(self) except NULL


cdef void group_sum(const Group* group, const Ring* ring, GroupSum* total) noexcept nogil
cdef double age_behind_s(const Ring* ring, uint64_t position) noexcept nogil
