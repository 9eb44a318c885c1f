from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pricecore.primitives.segment import Segment

def restore_segment(
    segment: Segment,
    state: NDArray[np.void] | None,
    sequence: int,
    blocks: Iterable[NDArray[np.void]],
    where: object = "the log",
) -> None: ...
