"""The main job on the four original captures, against a plain reader of the same files."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

VARIABLE = "PRICECORE_TEST_DATA"
DATA = Path(os.environ.get(VARIABLE) or Path(__file__).parents[3] / "shared" / "data")
FILES = [
    (market, DATA / f"binance_{market}" / f"{pair}_20240808.gz")
    for market in ("spot", "usdm")
    for pair in ("btcusdt", "ethusdt")
]

pytestmark = pytest.mark.skipif(
    not all(path.exists() for _, path in FILES),
    reason=f"no market data in {DATA}; {VARIABLE} names the folder that holds binance_spot/ and binance_usdm/",
)


@pytest.fixture(scope="module")
def report():
    files = [f"{market}={path}" for market, path in FILES]
    command = [sys.executable, "-m", "pricecore", "run", *files, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def read_plainly():
    """Return the last trade and quote of each symbol: one dict each."""
    trades, quotes, lines = {}, {}, []
    for number, (market, path) in enumerate(FILES):
        with gzip.open(path) as file:
            lines += [(int(time), number, market, text) for time, text in (line.split(b" ", 1) for line in file)]
    for _, _, market, text in sorted(lines, key=lambda line: line[:2]):
        event = json.loads(text).get("data", {})
        if event.get("e") == "trade":
            trades[f"{market}:{event['s']}"] = (float(event["p"]), float(event["q"]), event["T"] * 10**6)
        elif event.get("e", "bookTicker") == "bookTicker" and "a" in event:
            sides = (float(event[name]) for name in ("b", "a", "B", "A"))
            quotes[f"{market}:{event['s']}"] = (*sides, event.get("T", 0) * 10**6)
    return trades, quotes


def test_the_counts_are_exact(report):
    expected = {
        "lines": 243_476,
        "ignored": 20_026,
        "malformed": 0,
        "messages_received": 223_450,
        "messages_processed": 223_450,
        "trades": 51_252,
        "quotes": 172_198,
        "out_of_order": 0,
        "errors": 0,
        "symbols": 4,
    }
    assert {name: report[name] for name in expected} == expected
    assert report["errors_by_reason"] == {}


def test_every_last_price_and_quote_is_that_of_a_plain_reader(report):
    trades, quotes = read_plainly()
    prices = {price["symbol"]: price for price in report["prices"]}
    assert prices.keys() == trades.keys() == quotes.keys()
    for symbol, price in prices.items():
        assert trades[symbol] == (price["price"], price["volume"], price["timestamp_ns"])
        sides = (price["bid"], price["ask"], price["bid_size"], price["ask_size"])
        assert quotes[symbol] == (*sides, price["quote_timestamp_ns"])
