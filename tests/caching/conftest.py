"""What the tests of the cache have in common."""

import pytest
from helpers.rooms import native_module


@pytest.fixture(scope="session")
def whole():
    """Return the check that a cache is whole."""
    return native_module("caches").check
