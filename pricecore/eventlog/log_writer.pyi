from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from pricecore.eventlog.log_life import DURABILITIES as DURABILITIES
from pricecore.eventlog.opening import OpenedLog
from pricecore.eventlog.options import LogOptions

FLAWS: tuple[str, ...]

@disjoint_base
class LogWriter:
    path: Path
    def __new__(
        cls, opened: OpenedLog, options: LogOptions, known: NDArray[np.void], max_symbols: int
    ) -> LogWriter: ...
    def append(self, records: NDArray[np.void]) -> int: ...
    def mark(self, position: bytes) -> None: ...
    def sync(self) -> None: ...
    @property
    def next_sequence(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
