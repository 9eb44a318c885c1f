from collections.abc import Mapping
from typing import final

from pricecore.feeds.lines import Stamp
from pricecore.feeds.sink import Sink
from pricecore.feeds.timestamps import TimeReader

ROLE_NAMES: tuple[str, ...]
MAX_COLUMNS: int

@final
class Columns:
    def __init__(
        self,
        count: int,
        places: Mapping[str, int],
        delimiter: str = ",",
        divisors: Mapping[str, float] = ...,
        times: TimeReader | None = None,
        partial: bool = False,
    ) -> None: ...
    @property
    def count(self) -> int: ...
    @property
    def delimiter(self) -> str: ...
    @property
    def times(self) -> TimeReader: ...
    @property
    def partial(self) -> bool: ...
    def cells(self, row: bytes) -> list[str]: ...

@final
class RowStamp(Stamp):
    def __init__(self, columns: Columns) -> None: ...

@final
class RowDecoder:
    def __init__(self, sink: Sink, columns: Columns, symbol: str = "", headers: int = 0) -> None: ...
    def decode(self, row: bytes) -> int: ...
