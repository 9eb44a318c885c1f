"""The table of prices: chosen and sorted by column, only what is shown becomes Python objects."""

import json
import math
import time

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, attach
from pricecore.observe import price_rows, rows


def symbols(found):
    return [row["symbol"] for row in found["rows"]]


@pytest.fixture
def prices(engine):
    engine.update("BINANCE:ETH", 3.0, volume=0.5, change_24h=-7.5)
    engine.update("BINANCE:BTC", 2.0, change_24h=3.0)
    engine.update_quote("KRAKEN:btc", 1.0, 2.0)
    engine.register("NONE")


def test_rows_have_price_and_quote_and_none_for_what_is_missing(prices, source):
    before_ns = time.time_ns()
    found = price_rows(source)
    eth, quoted, never = (
        next(row for row in found["rows"] if row["symbol"] == name) for name in ("BINANCE:ETH", "KRAKEN:btc", "NONE")
    )
    assert (eth["price"], eth["volume"], eth["change_24h"], eth["bid"]) == (3.0, 0.5, -7.5, None)
    assert (quoted["price"], quoted["volume"], quoted["bid"], quoted["ask"]) == (None, None, 1.0, 2.0)
    assert (never["price"], never["age_s"], never["time_ns"], never["stale"]) == (None, None, None, True)
    assert (eth["stale"], quoted["stale"]) == (False, False)
    assert 0 <= eth["age_s"] < 60
    assert eth["time_ns"] <= before_ns
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_rows_come_by_name_and_are_counted(prices, source):
    found = price_rows(source, limit=2)
    assert symbols(found) == ["BINANCE:BTC", "BINANCE:ETH"]
    assert (found["shown"], found["matching"], found["total"]) == (2, 4, 4)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ["BINANCE:BTC", "BINANCE:ETH", "KRAKEN:btc", "NONE"]),
        ("btc", ["BINANCE:BTC", "KRAKEN:btc"]),
        ("BINANCE:*", ["BINANCE:BTC", "BINANCE:ETH"]),
        ("binance:*", []),
        ("*:B?C", ["BINANCE:BTC"]),
        ("XRP", []),
    ],
)
def test_pattern_chooses(prices, source, pattern, expected):
    found = price_rows(source, pattern)
    assert symbols(found) == expected
    assert (found["matching"], found["total"]) == (len(expected), 4)


def test_word_with_signs_of_html_and_regular_expressions_is_a_word(engine):
    engine.update("<b>x.y</b>", 1.0)
    engine.update("xzy", 1.0)
    assert symbols(price_rows(engine, "<b>x.y")) == ["<b>x.y</b>"]
    assert symbols(price_rows(engine, "[<]b>*")) == ["<b>x.y</b>"]


def test_oldest_first_and_never_priced_ones_before_them(prices, engine):
    engine.update("BINANCE:ETH", 4.0)  # the newest now
    assert symbols(price_rows(engine, sort="age")) == ["NONE", "BINANCE:BTC", "KRAKEN:btc", "BINANCE:ETH"]


def test_largest_move_first_in_either_direction(prices, source):
    assert symbols(price_rows(source, sort="change")) == ["BINANCE:ETH", "BINANCE:BTC", "KRAKEN:btc", "NONE"]


def test_stale_is_age_and_nothing_else(prices, source):
    found = price_rows(source, "BINANCE:*", stale_s=0.0)
    assert [row["stale"] for row in found["rows"]] == [True, True]
    assert [row["stale"] for row in price_rows(source, "BINANCE:*", stale_s=3_600)["rows"]] == [False, False]


def test_only_the_shown_rows_are_made_of_many_symbols(monkeypatch):
    made = []
    row = rows._row
    monkeypatch.setattr(rows, "_row", lambda *arguments: made.append(arguments[0]) or row(*arguments))
    with PriceEngine(**SMALL | {"max_symbols": 65_536}) as engine:
        ids = engine.register([f"S{i:05}" for i in range(65_536)])
        engine.update_many(ids, [float(i + 1) for i in range(65_536)])
        found = price_rows(engine, "s655*".upper(), limit=10)
    assert (found["shown"], found["matching"], found["total"]) == (10, 36, 65_536)
    assert made == symbols(found) == [f"S{i}" for i in range(65_500, 65_510)]
    assert found["rows"][0]["price"] == 65_501.0


def test_closed_source_has_no_rows(engine):
    view = attach("md")
    view.close()
    engine.close()
    empty = {"rows": [], "shown": 0, "matching": 0, "total": 0}
    assert price_rows(view) == price_rows(engine) == empty


def test_infinite_and_missing_figures_are_none_and_not_a_number_of_json(engine):
    engine.update("A", 1.0, change_24h=math.nan)
    engine.update_quote("A", 1.0, math.nan, ask_size=0.0, bid_size=1.0)
    row = price_rows(engine)["rows"][0]
    assert (row["change_24h"], row["bid"], row["ask"]) == (None, 1.0, None)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"sort": "price"}, ValueError), ({"limit": -1}, ValueError), ({"pattern": None}, TypeError)],
)
def test_bad_parameters_are_refused(engine, options, error):
    with pytest.raises(error, match=next(iter(options))):
        price_rows(engine, **options)


def test_what_is_no_source_is_refused():
    with pytest.raises(TypeError, match="source must be"):
        price_rows("md")


def test_rows_above_the_offset_are_passed_over(engine):
    for name in "DBAC":
        engine.update(name, 1.0)
    found = price_rows(engine, limit=2, offset=1)
    assert [row["symbol"] for row in found["rows"]] == ["B", "C"]
    assert (found["shown"], found["matching"]) == (2, 4)
    assert price_rows(engine, offset=9)["rows"] == []
    with pytest.raises(ValueError, match="offset is -1"):
        price_rows(engine, offset=-1)
