"""Engines that are small, and closed when the test is over."""

import pytest

from pricecore import PriceEngine
from pricecore.metrics import log

SMALL = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 1_000, "pool_buffers": 4}


@pytest.fixture
def make_engine():
    """Return a function that makes engines, small ones unless told otherwise."""
    made = []

    def make(**options):
        made.append(PriceEngine(**(SMALL | options)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture(autouse=True)
def quiet_log_forgotten():
    """Let every test have its first message of a reason: the throttle is one for the process."""
    log._throttle._bursts.clear()
