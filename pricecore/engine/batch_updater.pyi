from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pricecore.engine.updater import Updater

class BatchUpdater(Updater):
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
