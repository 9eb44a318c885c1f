"""What the tests of the cache have in common."""

import pytest
from helpers.rooms import native_module

from pricecore.metrics import log


@pytest.fixture(scope="session")
def whole():
    """Return the check that a cache is whole."""
    return native_module("caches").check


@pytest.fixture(autouse=True)
def quiet_log_forgotten():
    """Let every test have its first message: the throttle is one for the process."""
    log._throttle._bursts.clear()
