"""Where the recorded market data is, which is no part of the project: tests that need it are skipped without it."""

import os
from pathlib import Path

import pytest

VARIABLE = "PRICECORE_TEST_DATA"
DATA = Path(os.environ.get(VARIABLE) or Path(__file__).parents[3] / "shared" / "data")


def needs_data(*paths: Path) -> pytest.MarkDecorator:
    """Return the mark that skips a test, visibly, where one of these files is missing."""
    missing = [path for path in paths if not path.exists()]
    return pytest.mark.skipif(
        bool(missing), reason=f"no market data in {DATA}; {VARIABLE} names the folder that holds it"
    )
