"""Where the recorded market data is, which is no part of the project: tests that need it are skipped without it."""

import os
from pathlib import Path

import pytest

VARIABLE = "PRICECORE_TEST_DATA"
DATA = Path(os.environ.get(VARIABLE) or Path(__file__).parents[3] / "shared" / "data")

WITHOUT_DECODER = [
    "BIT.COM.ws.1.0",
    "BIT.COM.ws.2.0",
    "BITFINEX.ws.11.0",
    "DELTA.ws.1.0",
    "GEMINI.ws.1.0",
    "HITBTC.ws.1.0",
    "HUOBI.ws.44.0",
    "KRAKEN_FUTURES.ws.1.0",
    "UPBIT.ws.62.0",
]
"""Captures of venues that no format knows."""


def capture(name: str) -> Path:
    """Return the file of a capture of many venues."""
    return DATA / "cryptofeed" / f"{name}.gz"


def needs_data(*paths: Path) -> pytest.MarkDecorator:
    """Return the mark that skips a test, visibly, where one of these files is missing."""
    missing = [path for path in paths if not path.exists()]
    return pytest.mark.skipif(
        bool(missing), reason=f"no market data in {DATA}; {VARIABLE} names the folder that holds it"
    )
