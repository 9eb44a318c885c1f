from collections.abc import Iterable
from typing import overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from pricecore.engine.batch_updater import BatchUpdater

@disjoint_base
class Registrar(BatchUpdater):
    def __new__(cls, *_: object, **__: object) -> Registrar: ...
    @overload
    def register(self, symbols: str) -> int: ...  # type: ignore[overload-overlap]
    @overload
    def register(self, symbols: Iterable[str]) -> NDArray[np.int32]: ...
