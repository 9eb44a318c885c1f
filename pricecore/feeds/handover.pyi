from collections.abc import Callable, Sequence
from typing import final

from pricecore.feeds.lines import Lines
from pricecore.feeds.tally import Tally
from pricecore.primitives.pool import BufferPool

@final
class Handover:
    def __new__(cls, pool: BufferPool, lines: Sequence[Lines], capacity: int = 512) -> Handover: ...
    @property
    def finished(self) -> bool: ...
    def start(self) -> None: ...
    def take(
        self, sources: Sequence[Tally], limit: int, wait_until_due: Callable[[int], bool] | None = None
    ) -> int: ...
    def stop(self, timeout_s: float = 5.0) -> bool: ...
