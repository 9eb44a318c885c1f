from typing_extensions import disjoint_base

from pricecore.delivery.follower_group import FollowerGroup
from pricecore.engine.subscription_names import MAX_NAMES as MAX_NAMES
from pricecore.metrics.subscriptions import Subscriptions
from pricecore.primitives.segment import Segment

@disjoint_base
class GroupFigures(FollowerGroup):
    def __new__(cls, segment: Segment, name: str) -> GroupFigures: ...

@disjoint_base
class SubscriptionFigures:
    def __new__(cls, segment: Segment) -> SubscriptionFigures: ...
    def new_group(self, name: str) -> FollowerGroup: ...
    def stats(self) -> Subscriptions: ...
