from collections.abc import Callable, Hashable
from typing import Any, Generic, SupportsIndex, TypeVar

from typing_extensions import disjoint_base

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

@disjoint_base
class CacheCore(Generic[_K, _V]):
    def __new__(
        cls,
        capacity: SupportsIndex,
        *,
        ttl_s: float | None = None,
        loader: Callable[[Any], Any] | None = None,
        on_evict: Callable[[Any, Any, str], object] | None = None,
    ) -> CacheCore[_K, _V]: ...
