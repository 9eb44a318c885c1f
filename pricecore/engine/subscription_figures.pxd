"""Level 5: the figures of subscriptions in the segment, which the housekeeping thread writes without the GIL."""

from libc.stdint cimport uint64_t

from pricecore.delivery.follower_group cimport FollowerGroup, Group
from pricecore.delivery.ring cimport Ring
from pricecore.primitives.push_list cimport push, pushed_first
from pricecore.primitives.segment cimport Figure, Segment

cdef enum:
    SUBSCRIPTION_FIGURES = 6

cdef struct GroupNode:
    GroupNode* next
    const Group* group
    Figure* figures[SUBSCRIPTION_FIGURES]   # as subscription_names.FIELDS

cdef struct GroupList:
    GroupNode* first                # the last one added; leads to those before it
    Ring ring


cdef inline GroupNode* first_node(const GroupList* groups) noexcept nogil:
    return <GroupNode*>pushed_first(<const uint64_t*>&groups.first)


cdef inline void add_node(GroupList* groups, GroupNode* node) noexcept nogil:
    """The node lives as long as the list."""
    push(<uint64_t*>&groups.first, <uint64_t*>&node.next, node)


cdef class GroupFigures(FollowerGroup):
    cdef GroupNode node
    cdef Segment segment            # lives as long as the node


cdef class SubscriptionFigures:
    cdef GroupList groups
    cdef Segment segment
    cdef dict by_name

    cdef FollowerGroup group(self, object name)


cdef void write_subscriptions(const GroupList* groups) noexcept nogil
