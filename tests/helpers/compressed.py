"""What tests of compression start from: zstd or a skip, records as an engine gives them, messages of a feed."""

from types import ModuleType

import numpy as np
import pytest

import pricecore
from pricecore.compression.zstd import zstd
from pricecore.errors import MissingExtraError


def require_zstd() -> ModuleType:
    """Return zstd's module, or skip the module of tests that called this."""
    try:
        return zstd()
    except MissingExtraError as error:
        pytest.skip(str(error), allow_module_level=True)


def engine_records(updates: int = 3_000) -> np.ndarray:
    """Return trades, quotes and names as they stand in an engine's ring."""
    rng = np.random.default_rng(7)
    with pricecore.PriceEngine() as engine, engine.consumer("test") as consumer:
        for i in range(updates):
            symbol = f"TEST:SYMBOL{i % 5}"
            price = 61_000.0 + int(rng.integers(100)) / 100
            if i % 3:
                engine.update_quote(symbol, price - 0.01, price, int(rng.integers(1, 9)), 2.0)
            else:
                engine.update(symbol, price, int(rng.integers(1, 9)) / 10, 1_723_161_255_000_000_000 + i * 1_000_000)
        records = consumer.read(updates + 100).copy()
    # As on a machine that has nothing else to do: with other times the same blocks have other sizes.
    records["received_ns"] = 1_723_161_255_000_000_000 + np.cumsum(rng.integers(900, 1_600, len(records)))
    return records


def feed_messages(count: int = 1_000) -> list[bytes]:
    """Return JSON messages that differ in their figures only."""
    text = '{"stream":"btcusdt@bookTicker","data":{"u":%d,"s":"BTCUSDT","b":"%d.%02d","B":"3.78","a":"61837.64"}}'
    return [(text % (50_093_239_212 + 7 * i, 61_000 + i * 37 % 900, i % 100)).encode() for i in range(count)]
