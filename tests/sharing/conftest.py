import pytest
from helpers.segments import own_segments
from helpers.writers import SMALL

from pricecore import PriceEngine, attach
from pricecore.delivery import bells, subscription_core

NEVER_S = 3_600.0


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    with own_segments(monkeypatch) as folder:
        yield folder


@pytest.fixture
def engine():
    with PriceEngine("md", **SMALL) as engine:
        yield engine


@pytest.fixture(params=["engine", "view"])
def source(request, engine):
    """What is subscribed to: the engine itself, or a view of it."""
    if request.param == "engine":
        yield engine
    else:
        with attach("md") as view:
            yield view


@pytest.fixture
def only_woken(monkeypatch):
    """Nobody looks up by himself any more."""
    monkeypatch.setattr(subscription_core, "LOOK_UP_S", NEVER_S)
    monkeypatch.setattr(bells, "LOOK_UP_S", NEVER_S)
