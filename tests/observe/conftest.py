"""Engines under a name, each test's in a folder of its own."""

import pytest
from helpers.segments import own_segments
from helpers.writers import SMALL

from pricecore import PriceEngine, attach


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    with own_segments(monkeypatch) as folder:
        yield folder


@pytest.fixture
def engine():
    with PriceEngine("md", on_bad="count", **SMALL) as engine:
        yield engine


@pytest.fixture(params=["engine", "view"])
def source(request, engine):
    """What is looked at: the engine itself, or a view of it."""
    if request.param == "engine":
        yield engine
    else:
        with attach("md") as view:
            yield view
