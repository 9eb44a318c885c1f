import numpy as np
from numpy.typing import NDArray

def _summarize(samples: NDArray[np.uint64]) -> dict[str, int | float]: ...
