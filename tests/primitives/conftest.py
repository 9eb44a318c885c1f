from pathlib import Path

import pytest
from helpers.native import build_native


@pytest.fixture(scope="session")
def native(tmp_path_factory):
    """The loops of native_loops.pyx, compiled once a run."""
    return build_native(Path(__file__).parent / "native_loops.pyx", tmp_path_factory.mktemp("native"))
