"""Level 5: the figures of subscriptions in the segment, which the housekeeping thread writes without the GIL."""

from libc.stdint cimport uint64_t

from pricecore.delivery.follower_group cimport FollowerGroup, Group
from pricecore.delivery.ring cimport Ring
from pricecore.primitives.atomics cimport cas_acq_rel, load_acquire
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
    """Nodes seen here are complete; pairs with add_node."""
    return <GroupNode*>load_acquire(<const uint64_t*>&groups.first)


cdef inline void add_node(GroupList* groups, GroupNode* node) noexcept nogil:
    """The node lives as long as the list."""
    cdef uint64_t first = <uint64_t>first_node(groups)
    node.next = <GroupNode*>first
    while not cas_acq_rel(<uint64_t*>&groups.first, &first, <uint64_t>node):
        node.next = <GroupNode*>first


cdef class GroupFigures(FollowerGroup):
    cdef GroupNode node
    cdef Segment segment            # lives as long as the node


cdef class SubscriptionFigures:
    cdef GroupList groups
    cdef Segment segment
    cdef dict by_name

    cdef FollowerGroup group(self, object name)


cdef void write_subscriptions(const GroupList* groups) noexcept nogil
