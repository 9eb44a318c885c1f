from typing import Any

from typing_extensions import disjoint_base

from pricecore.caching.price_cache import PriceCache
from pricecore.delivery.holding_consumer import HoldingConsumer
from pricecore.delivery.subscription import Subscription
from pricecore.engine.registrar import Registrar
from pricecore.eventlog.live_log import EngineLog
from pricecore.eventlog.options import LogOptions
from pricecore.metrics.summary import Metrics
from pricecore.primitives.pool import BufferPool

@disjoint_base
class EngineCore(Registrar):
    log: EngineLog | None
    def __new__(cls, *_: object, **__: object) -> EngineCore: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    def _open(
        self,
        *,
        name: str | None,
        max_symbols: int,
        ring_capacity: int,
        latency_window: int,
        pool: BufferPool,
        permissions: int,
        resume: bool,
        allow_nonpositive: bool,
        drop_out_of_order: bool,
        max_future_ns: int | None,
        raise_bad: bool,
        log: LogOptions | None = None,
    ) -> None: ...
    def _mark_forked(self) -> None: ...
    def _consumer(self, name: str, full: str, full_timeout_s: float) -> HoldingConsumer: ...
    def _reset_stats(self) -> None: ...
    def _gather(self, pool: Any, caches: dict[str, Any]) -> Metrics: ...
    def _add_cache(self, name: str, cache: PriceCache[Any, Any]) -> None: ...
    def _record_latency(self, latency_ns: int) -> None: ...
    def _subscribe(self, options: dict[str, Any]) -> Subscription: ...
    def _check_stream(self) -> None: ...
    def _has_writer(self) -> bool: ...
