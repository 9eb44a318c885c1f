from typing import final

import numpy as np
from numpy.typing import NDArray

from pricecore.primitives.segment import Segment

MAX_SEQUENCE: int

@final
class RingReader:
    lost: int
    def __new__(cls, segment: Segment, start: int = 1) -> RingReader: ...
    def read(self, max_items: int = 1024) -> NDArray[np.void]: ...
    @property
    def next_sequence(self) -> int: ...
