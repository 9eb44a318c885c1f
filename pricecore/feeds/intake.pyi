from collections.abc import Callable
from typing import SupportsFloat, SupportsIndex, final

from typing_extensions import disjoint_base

from pricecore.engine.price_engine import PriceEngine

@final
class Guard:
    def __new__(cls, engine: PriceEngine) -> Guard: ...
    @property
    def stored(self) -> int: ...
    @property
    def out_of_order(self) -> int: ...
    @property
    def refused(self) -> dict[str, int]: ...
    @property
    def last_refused(self) -> str | None: ...
    def update(
        self,
        symbol: str,
        price: SupportsFloat | SupportsIndex,
        volume: SupportsFloat | SupportsIndex,
        timestamp_ns: SupportsIndex,
        change_24h: SupportsFloat | SupportsIndex,
    ) -> bool: ...
    def update_quote(
        self,
        symbol: str,
        bid: SupportsFloat | SupportsIndex,
        ask: SupportsFloat | SupportsIndex,
        bid_size: SupportsFloat | SupportsIndex,
        ask_size: SupportsFloat | SupportsIndex,
        timestamp_ns: SupportsIndex,
        partial: bool = False,
    ) -> bool: ...
    def close(self) -> None: ...

@disjoint_base
class Intake:
    def __init__(self, guard: Guard, decode: Callable[[bytes], int]) -> None: ...
    @property
    def received(self) -> int: ...
    @property
    def ignored(self) -> int: ...
    @property
    def malformed(self) -> int: ...
    @property
    def last_malformed(self) -> str | None: ...
    @property
    def last_message_age_s(self) -> float: ...
    def feed(self, data: bytes | bytearray | memoryview | str, received_ns: int = 0) -> int: ...
