from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from pricecore.delivery.follower import Follower
from pricecore.delivery.subscription_stats import SubscriptionStats
from pricecore.prices.symbols import SymbolTable
from pricecore.primitives.segment import Segment
from pricecore.primitives.waiting import SETTLE_S as SETTLE_S
from pricecore.primitives.waiting import WaitRoom

MAX_ITEMS: int
LOOK_UP_S: float
NOTHING: NDArray[np.void]

@disjoint_base
class SubscriptionCore(Follower):
    @property
    def waits(self) -> WaitRoom: ...
    @property
    def name(self) -> str | None: ...
    @property
    def has_news(self) -> bool: ...
    @property
    def next_sequence(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def __new__(
        cls,
        segment: Segment,
        symbols: SymbolTable,
        waits: WaitRoom,
        *,
        check: Callable[[], object],
        name: str | None = None,
        wants: Callable[[str], bool] | None = None,
        conflates: bool = True,
        start: int | str = "now",
        raises_on_lag: bool = False,
    ) -> SubscriptionCore: ...
    def poll(self, max_items: int = 1024, timeout_s: float | None = 0.0) -> NDArray[np.void]: ...
    def close(self) -> None: ...
    def symbol(self, symbol_id: int) -> str: ...
    def stats(self) -> SubscriptionStats: ...
