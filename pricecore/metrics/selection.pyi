from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def _select(values: NDArray[np.uint64], ranks: Sequence[int]) -> NDArray[np.uint64]: ...
