"""Level 3: one follower of an engine's records, in this process or another: it takes them as they come, and sleeps."""

from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.follower cimport Follower
from pricecore.delivery.follower_group cimport FollowerGroup, Place, Told
from pricecore.primitives.waiting cimport Sleeper, WaitPage, WaitRoom

cdef class SubscriptionCore(Follower):
    cdef readonly WaitRoom waits
    cdef readonly object name
    cdef WaitPage* page             # of waits
    cdef Sleeper sleeper
    cdef object check               # raises when nothing will come any more
    cdef uint64_t polling           # the process (see `this_process`) of which a thread is inside; 0: nobody
    cdef uint64_t closed_
    cdef unsigned tries             # looks in a row for a record that is not published
    cdef int64_t naps               # in a row, of a reader that nobody wakes
    cdef int64_t checked_ns
    cdef FollowerGroup group        # where it tells how it goes; None: nobody asks
    cdef Place* place               # of group
    cdef Told before                # what the followers told that had the place before

    cdef int join(self, FollowerGroup group) except -1
    cdef void tell(self) noexcept nogil
    cdef int enter(self) except -1
    cdef object take_until(self, uint64_t n, int64_t deadline_ns)
    cdef object check_then_take(self, uint64_t n)
    cdef int sleep(self, int64_t timeout_ns) except -1
    cdef void doze(self, int64_t timeout_ns) noexcept nogil
