from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pricecore.engine.registrar import Registrar
from pricecore.eventlog.snapshots import Snapshot

class Restorer(Registrar):
    def _restore(self, snapshot: Snapshot | None, blocks: Iterable[NDArray[np.void]], where: object = "the log") -> None: ...
