"""A subscriber whose engine closes in the middle of a batch is told the end behind the batch's last row, not before."""

import threading
from contextlib import suppress

import numpy as np
import pytest
from helpers.threads import at_once, switch_interval

from pricecore import EngineClosedError, PriceEngine

ROUNDS = 200
ROWS = 4096
PATIENCE_S = 60.0


def write_until_closed(engine: PriceEngine) -> None:
    prices = np.ones(ROWS)
    with suppress(EngineClosedError):
        ids = np.full(ROWS, engine.register("A"), np.int32)
        while True:
            engine.update_many(ids, prices)


def close_in_mid_batch(engine: PriceEngine) -> None:
    """Return when a subscriber was told the end, and everything has ended."""
    subscription = engine.subscribe(mode="all")
    others = [threading.Thread(target=write_until_closed, args=(engine,)), threading.Timer(0.002, engine.close)]
    for thread in others:
        thread.start()
    with suppress(EngineClosedError):
        while True:
            subscription.poll(100_000, PATIENCE_S)
    for thread in others:
        thread.join()
    with pytest.raises(EngineClosedError):
        subscription.poll()


@pytest.mark.stress
@at_once
def test_nothing_comes_behind_the_end():
    with switch_interval(1e-5):
        for _ in range(ROUNDS):
            close_in_mid_batch(PriceEngine())
