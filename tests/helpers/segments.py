"""A folder of a test's own for the segments of named engines."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


@contextmanager
def own_segments(monkeypatch):
    """Give the folder; it is in shared memory where there is such a thing."""
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as name:
        monkeypatch.setenv("PRICECORE_SHM_DIR", name)
        yield Path(name)
