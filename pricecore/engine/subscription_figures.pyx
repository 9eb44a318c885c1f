"""Sums up what the subscriptions of an engine tell, by name: for its own metrics, and for those of views once a second.

No subscription is kept or asked: they tell in places of their own (delivery/follower_group.pxd), and one that is
forgotten leaves its place.
"""

from pricecore.delivery.follower_group cimport FollowerGroup, GroupSum, group_sum
from pricecore.delivery.ring cimport ring_of
from pricecore.primitives.segment cimport Segment, figure_set

from pricecore.engine.subscription_names import MAX_NAMES, figure_names, has_place
from pricecore.metrics.log import warn_throttled
from pricecore.metrics.subscriptions import NO_SUBSCRIPTIONS, SubscriptionGroup, Subscriptions


cdef void write_group(const GroupNode* node, const GroupSum* total) noexcept nogil:
    cdef double[SUBSCRIPTION_FIGURES] values
    cdef int i
    values[0], values[1], values[2] = <double>total.open, <double>total.lag_records, total.lag_s
    values[3], values[4] = <double>total.told.delivered, <double>total.told.conflated
    values[5] = <double>total.told.lost
    for i in range(SUBSCRIPTION_FIGURES):
        figure_set(node.figures[i], values[i])


cdef void write_subscriptions(const GroupList* groups) noexcept nogil:
    """Write the figures of every name."""
    cdef const GroupNode* node = first_node(groups)
    cdef GroupSum total
    while node != NULL:
        group_sum(node.group, &groups.ring, &total)
        write_group(node, &total)
        node = node.next


cdef class GroupFigures(FollowerGroup):
    """The subscriptions of one name, and where their figures stand."""

    def __cinit__(self, Segment segment not None, str name not None):
        self.segment = segment
        self.node.group = &self.group
        for i, figure in enumerate(figure_names(name)):
            self.node.figures[i] = segment.figure(figure)


cdef class SubscriptionFigures:
    """The subscriptions of one engine.

    Threads: any. Cost: of a new name some tens of microseconds; reading it all, a microsecond and as much again for
    every ten subscriptions.
    """

    def __cinit__(self, Segment segment not None):
        self.segment = segment
        self.groups.ring = ring_of(&segment.layout)
        self.by_name = {}

    cdef FollowerGroup group(self, object name):
        """Return the group of a name, None without one; where there is no place for the name, that without one."""
        found = self.by_name.get(name or "")
        if found is not None:
            return found
        if has_place(self.segment.figures(), name or ""):
            return self.new_group(name or "")
        if not name:
            # Without figures: told in this process only.
            return self.by_name.setdefault("", FollowerGroup())
        warn_throttled(
            "subscription_names",
            "a subscription called %r is counted with those that have no name: an engine has figures for %d names",
            name, MAX_NAMES)
        return self.group(None)

    def new_group(self, name):
        """Give a name its figures; of threads that do so at once, one does."""
        cdef GroupFigures made = GroupFigures(self.segment, name)
        found = self.by_name.setdefault(name, made)
        if found is made:
            add_node(&self.groups, &made.node)
        return found

    def stats(self):
        """Return the figures of this moment."""
        cdef FollowerGroup group
        cdef GroupSum total
        if not self.by_name:
            return NO_SUBSCRIPTIONS
        found = {}
        for name, group in self.by_name.copy().items():
            group_sum(&group.group, &self.groups.ring, &total)
            figures = SubscriptionGroup(
                total.open, total.lag_records, total.lag_s,
                total.told.delivered, total.told.conflated, total.told.lost)
            if any(figures):
                found[name] = figures
        return Subscriptions.of(found)
