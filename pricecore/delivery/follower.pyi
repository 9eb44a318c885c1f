from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from pricecore.prices.symbols import SymbolTable
from pricecore.primitives.segment import Segment

NOTHING: NDArray[np.void]

@disjoint_base
class Follower:
    @property
    def segment(self) -> Segment: ...
    def __new__(
        cls,
        segment: Segment,
        symbols: SymbolTable,
        *_: object,
        wants: Callable[[str], bool] | None = None,
        conflates: bool = True,
        start: int | str = "now",
        raises_on_lag: bool = False,
        **_others: object,
    ) -> Follower: ...
