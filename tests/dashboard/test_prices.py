"""A row of the table of prices as the page writes it."""

import math

import pytest

from pricecore import PriceEngine
from pricecore.dashboard.prices import shown
from pricecore.observe import price_rows


def test_prices_of_one_symbol_have_the_same_decimals():
    with PriceEngine() as engine:
        engine.update("A", 1.5, change_24h=-2.345)
        engine.update_quote("A", 1.4999, 1.5)
        (row,) = price_rows(engine)["rows"]
    written = shown(row)
    assert (written["price"], written["bid"], written["ask"]) == ("1.5000", "1.4999", "1.5000")
    assert (written["change"], written["volume"], written["state"]) == ("-2.35 %", "-", "fresh")


def test_a_price_far_from_one_is_written_without_an_exponent():
    row = dict.fromkeys(("bid", "ask", "change_24h", "age_s")) | {"symbol": "A", "volume": 0.0, "stale": True}
    assert shown(row | {"price": 1e-7})["price"] == "0.0000001"
    assert shown(row | {"price": 1e15})["price"] == "1,000,000,000,000,000.00"
    assert shown(row | {"price": math.pi * 1e-30})["price"] == "3.1416e-30"


@pytest.mark.parametrize(
    ("volume", "written"),
    [(None, "-"), (0.0, "-"), (1.0, "1"), (9e-5, "0.00009"), (1.5e6, "1,500,000"), (0.1, "0.1"), (2e-30, "2e-30")],
)
def test_a_volume_is_written_in_its_shortest_form(volume, written):
    row = dict.fromkeys(("price", "bid", "ask", "change_24h", "age_s")) | {"symbol": "A", "stale": True}
    assert shown(row | {"volume": volume})["volume"] == written
