from typing_extensions import disjoint_base

from pricecore.primitives.segment import Segment

@disjoint_base
class HolderTable:
    def __new__(cls, segment: Segment) -> HolderTable: ...
