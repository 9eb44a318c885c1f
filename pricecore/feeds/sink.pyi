from collections.abc import Callable
from typing import final

from pricecore.engine.price_engine import PriceEngine
from pricecore.feeds.intake import Guard
from pricecore.feeds.sequences import Series

MAX_NAMES: int
MALFORMED: tuple[type[Exception], ...]

class SymbolNames(dict[str, str]):
    def __init__(self, prefix: str = "", on_new: Callable[[str], None] | None = None) -> None: ...
    def __missing__(self, symbol: str) -> str: ...

@final
class Sink:
    def __new__(
        cls,
        engine: PriceEngine | Guard,
        label: str = "",
        on_new: Callable[[str], None] | None = None,
        *,
        prefix: str = "",
    ) -> Sink: ...
    trades: int
    quotes: int
    @property
    def update(self) -> Callable[..., bool]: ...
    @property
    def update_quote(self) -> Callable[..., bool]: ...
    @property
    def names(self) -> SymbolNames: ...
    @property
    def series(self) -> list[Series]: ...
    def number_series(self, dense: bool = True) -> Series: ...
    def trade(
        self,
        symbol: str,
        price: float,
        volume: float = 0.0,
        timestamp_ns: int = 0,
        change_24h: float = ...,
    ) -> int: ...
    def quote(
        self,
        symbol: str,
        bid: float,
        ask: float,
        bid_size: float = 0.0,
        ask_size: float = 0.0,
        timestamp_ns: int = 0,
    ) -> int: ...
