import tempfile
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    """A folder of the test's own for its segments, in shared memory where there is such a thing."""
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as name:
        monkeypatch.setenv("PRICECORE_SHM_DIR", name)
        yield Path(name)
