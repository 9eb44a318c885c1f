"""Engines under a name, each test's in a folder of its own."""

import tempfile
from pathlib import Path

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, attach

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as name:
        monkeypatch.setenv("PRICECORE_SHM_DIR", name)
        yield Path(name)


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
