from typing import Any

from typing_extensions import disjoint_base

from pricecore.caching.core import CacheCore
from pricecore.primitives.segment import Segment

@disjoint_base
class CacheFigures:
    def __new__(cls, segment: Segment, name: str, cache: CacheCore[Any, Any]) -> CacheFigures: ...
