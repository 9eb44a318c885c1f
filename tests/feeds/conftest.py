"""Without msgspec, which not every interpreter has, the feeds cannot be imported: then this folder is skipped."""

import pytest


def pytest_pycollect_makemodule():
    pytest.importorskip("msgspec", reason="no msgspec for this interpreter")
