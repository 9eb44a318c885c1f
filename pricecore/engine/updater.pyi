from typing import SupportsFloat, SupportsIndex

from pricecore.engine.publisher import Publisher

_put_before: dict[str, bool]

class Updater(Publisher):
    def update(
        self,
        symbol: str,
        price: SupportsFloat | SupportsIndex,
        volume: SupportsFloat | SupportsIndex = 0.0,
        timestamp_ns: SupportsIndex = 0,
        change_24h: SupportsFloat | SupportsIndex = ...,
    ) -> bool: ...
    def update_quote(
        self,
        symbol: str,
        bid: SupportsFloat | SupportsIndex,
        ask: SupportsFloat | SupportsIndex,
        bid_size: SupportsFloat | SupportsIndex = 0.0,
        ask_size: SupportsFloat | SupportsIndex = 0.0,
        timestamp_ns: SupportsIndex = 0,
        partial: bool = False,
    ) -> bool: ...
