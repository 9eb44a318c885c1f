"""Places of followers: made, taken and summed up."""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from pricecore.delivery.ring cimport Copied, Ring, ring_copy, ring_sequence
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport load_relaxed
from pricecore.primitives.clock cimport CLOCK_WALL, clock_ns
from pricecore.types cimport KIND_QUOTE, Record

cdef enum:
    MAX_OVERTAKEN = 16              # looks at the oldest record of a ring, each of which a writer may overtake


cdef class FollowerGroup:
    """The places of the followers of one name. Threads: any."""

    def __dealloc__(self):
        cdef Place* place = self.group.places
        cdef Place* following
        while place != NULL:
            following = place.next
            aligned_free(place)
            place = following

    cdef Place* take(self) except NULL:
        """Return a place, used before or new; it is not open yet."""
        cdef Place* place = group_places(&self.group)
        while place != NULL and not place_taken(place):
            place = place.next
        if place == NULL:
            place = <Place*>aligned_zeroed(sizeof(Place))
            if place == NULL:
                raise MemoryError("no memory for a subscription")
            place.state = PLACE_TAKEN
            group_add(&self.group, place)
        return place


cdef void group_sum(const Group* group, const Ring* ring, GroupSum* total) noexcept nogil:
    """Sum up what the followers of a group told."""
    cdef uint64_t newest = ring_sequence(ring)      # first: whoever passes it meanwhile is not behind
    cdef uint64_t position, oldest = newest
    cdef const Place* place = group_places(group)
    cdef Told told
    memset(total, 0, sizeof(GroupSum))
    while place != NULL:
        told = place_told(place)
        total.told.delivered += told.delivered
        total.told.conflated += told.conflated
        total.told.lost += told.lost
        if is_place_open(place):
            total.open += 1
            position = load_relaxed(&place.position)
            oldest = min(oldest, position)
        place = place.next
    total.lag_records = newest - oldest
    total.lag_s = age_behind_s(ring, oldest) if newest > oldest else 0.0


cdef double age_behind_s(const Ring* ring, uint64_t position) noexcept nogil:
    """Return how long ago the engine took the first price or quote behind `position` that is still there, seconds."""
    cdef Record record
    cdef Copied copied
    cdef int overtaken = 0
    while overtaken < MAX_OVERTAKEN:
        copied = ring_copy(ring, &position, <uint64_t*>&record, 1)
        if copied.count and record.kind <= KIND_QUOTE:
            return max(0.0, (clock_ns(CLOCK_WALL) - record.received_ns) / 1e9)
        if copied.count == 0 and copied.lost == 0:
            return 0.0                  # not published yet
        overtaken += copied.count == 0
    return 0.0
