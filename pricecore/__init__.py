"""pricecore: the in-process price engine of a Python service.

Price updates come in; each is validated, becomes the latest price of its symbol, is published to readers, counted
and timed. `PriceEngine` is the place to begin. `pricecore.feeds` takes the messages of exchanges; it is imported when
it is first used, because it needs msgspec, which nothing else here does.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from pricecore.caching.cache_stats import CacheStats
from pricecore.caching.price_cache import PriceCache
from pricecore.caching.warming import WarmReport
from pricecore.delivery.subscription import Subscription
from pricecore.delivery.subscription_stats import SubscriptionStats
from pricecore.dtypes import QUOTE_DTYPE, RECORD_DTYPE, SNAPSHOT_DTYPE
from pricecore.engine.engine_view import EngineView, attach
from pricecore.engine.price_engine import PriceEngine, get_engine
from pricecore.errors import (
    BufferInUseError,
    BufferReleasedError,
    EngineClosedError,
    InvalidUpdateError,
    LaggedError,
    LoadRecursionError,
    LogCorruptError,
    LogReadOnlyError,
    PricecoreError,
    QueueClosedError,
    RingFullError,
    SegmentError,
    SegmentInUseError,
    SymbolTableFullError,
    UnknownSymbolError,
    WriterDiedError,
    WrongProcessError,
)
from pricecore.include import get_include
from pricecore.metrics.latency import LatencyBuffer
from pricecore.metrics.summary import LatencyStats, Metrics, RingStats
from pricecore.prices.price_map import PriceMap
from pricecore.prices.results import PriceUpdate, Quote
from pricecore.primitives.counter import AtomicCounter
from pricecore.primitives.pool import BufferPool, PooledBuffer
from pricecore.primitives.pool_stats import PoolStats
from pricecore.primitives.queue import UpdateQueue
from pricecore.version import __version__

if TYPE_CHECKING:
    from pricecore import feeds as feeds

__all__ = [
    "QUOTE_DTYPE",
    "RECORD_DTYPE",
    "SNAPSHOT_DTYPE",
    "AtomicCounter",
    "BufferInUseError",
    "BufferPool",
    "BufferReleasedError",
    "CacheStats",
    "EngineClosedError",
    "EngineView",
    "InvalidUpdateError",
    "LaggedError",
    "LatencyBuffer",
    "LatencyStats",
    "LoadRecursionError",
    "LogCorruptError",
    "LogReadOnlyError",
    "Metrics",
    "PoolStats",
    "PooledBuffer",
    "PriceCache",
    "PriceEngine",
    "PriceMap",
    "PriceUpdate",
    "PricecoreError",
    "QueueClosedError",
    "Quote",
    "RingFullError",
    "RingStats",
    "SegmentError",
    "SegmentInUseError",
    "Subscription",
    "SubscriptionStats",
    "SymbolTableFullError",
    "UnknownSymbolError",
    "UpdateQueue",
    "WarmReport",
    "WriterDiedError",
    "WrongProcessError",
    "__version__",
    "attach",
    "get_engine",
    "get_include",
]


def __getattr__(name: str) -> ModuleType:
    if name == "feeds":
        return import_module("pricecore.feeds")
    raise AttributeError(f"module 'pricecore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "feeds"})
