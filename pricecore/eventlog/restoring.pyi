from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pricecore.primitives.segment import Segment

def restore_segment(
    segment: Segment,
    state: NDArray[np.void] | None,
    blocks: Iterable[NDArray[np.void]],
    last_sequence: int = 0,
    where: object = "the log",
) -> None: ...
