"""pricecore: the in-process price engine of a Python service.

Price updates come in; each is validated, becomes the latest price of its symbol, is published to readers, counted
and timed. `PriceEngine` is the place to begin. `pricecore.feeds` takes the messages of exchanges; it is imported when
it is first used, because it needs msgspec, which nothing else here does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pricecore import built  # noqa: F401 - before all others: it says why they cannot be imported
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
    CompressionError,
    EngineClosedError,
    InvalidUpdateError,
    LaggedError,
    LoadRecursionError,
    LogCorruptError,
    LogNotFoundError,
    LogReadOnlyError,
    MissingExtraError,
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
from pricecore.metrics.subscriptions import SubscriptionGroup, Subscriptions
from pricecore.metrics.summary import LatencyStats, Metrics, RingStats
from pricecore.prices.price_map import PriceMap
from pricecore.prices.results import PriceUpdate, Quote
from pricecore.primitives.counter import AtomicCounter
from pricecore.primitives.pool import BufferPool, PooledBuffer
from pricecore.primitives.pool_stats import PoolStats
from pricecore.primitives.queue import UpdateQueue
from pricecore.version import __version__

if TYPE_CHECKING:
    from pricecore import compression as compression
    from pricecore import feeds as feeds
    from pricecore import observe as observe
    from pricecore.eventlog.event_log import EventLog
    from pricecore.eventlog.live_log import EngineLog
    from pricecore.eventlog.log_metrics import LogMetrics
    from pricecore.eventlog.options import LogOptions

__all__ = [
    "QUOTE_DTYPE",
    "RECORD_DTYPE",
    "SNAPSHOT_DTYPE",
    "AtomicCounter",
    "BufferInUseError",
    "BufferPool",
    "BufferReleasedError",
    "CacheStats",
    "CompressionError",
    "EngineClosedError",
    "EngineLog",
    "EngineView",
    "EventLog",
    "InvalidUpdateError",
    "LaggedError",
    "LatencyBuffer",
    "LatencyStats",
    "LoadRecursionError",
    "LogCorruptError",
    "LogMetrics",
    "LogNotFoundError",
    "LogOptions",
    "LogReadOnlyError",
    "Metrics",
    "MissingExtraError",
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
    "SubscriptionGroup",
    "SubscriptionStats",
    "Subscriptions",
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


_ON_USE = {
    "EngineLog": "pricecore.eventlog.live_log",
    "EventLog": "pricecore.eventlog.event_log",
    "LogMetrics": "pricecore.eventlog.log_metrics",
    "LogOptions": "pricecore.eventlog.options",
}
"""Names that are imported when they are first used, and their modules: most services need none of them."""


_ROOMS = ("compression", "feeds", "observe")


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"pricecore.{name}")
    if name in _ON_USE:
        return getattr(import_module(_ON_USE[name]), name)
    raise AttributeError(f"module 'pricecore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_USE, *_ROOMS})
