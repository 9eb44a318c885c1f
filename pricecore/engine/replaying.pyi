from typing import final

import numpy as np
from numpy.typing import NDArray

from pricecore.engine.core import EngineCore

@final
class Replay:
    def __new__(cls, core: EngineCore) -> Replay: ...
    @property
    def keeps_sequence(self) -> bool: ...
    def apply(self, records: NDArray[np.void], where: object = "records", at_once: bool = False) -> int: ...
