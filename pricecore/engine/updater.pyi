from collections.abc import Sequence
from typing import SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

from pricecore.engine.reader import Reader

@disjoint_base
class Updater(Reader):
    def update(
        self,
        symbol: str,
        price: SupportsFloat | SupportsIndex,
        volume: SupportsFloat | SupportsIndex = 0.0,
        timestamp_ns: SupportsIndex = 0,
        change_24h: SupportsFloat | SupportsIndex = ...,
    ) -> bool: ...
    def update_quote(
        self,
        symbol: str,
        bid: SupportsFloat | SupportsIndex,
        ask: SupportsFloat | SupportsIndex,
        bid_size: SupportsFloat | SupportsIndex = 0.0,
        ask_size: SupportsFloat | SupportsIndex = 0.0,
        timestamp_ns: SupportsIndex = 0,
        partial: bool = False,
    ) -> bool: ...
    def update_many(
        self,
        symbols: NDArray[np.integer] | Sequence[int] | Sequence[str],
        prices: ArrayLike,
        volumes: ArrayLike | None = None,
        timestamps_ns: ArrayLike | None = None,
        changes_24h: ArrayLike | None = None,
    ) -> int: ...
    def update_quotes(
        self,
        symbols: NDArray[np.integer] | Sequence[int] | Sequence[str],
        bids: ArrayLike,
        asks: ArrayLike,
        bid_sizes: ArrayLike | None = None,
        ask_sizes: ArrayLike | None = None,
        timestamps_ns: ArrayLike | None = None,
    ) -> int: ...
