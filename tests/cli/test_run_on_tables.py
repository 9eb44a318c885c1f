"""The recorded tables and the captures without a decoder, each to its end, with exact counts."""

import pytest
from helpers.market_data import DATA, WITHOUT_DECODER, capture, needs_data

EQUITY_QUOTES = {"aig": 1_118_140, "bac": 576_096, "ibm": 125_750}
EQUITY_TRADES = {"aig": 43_342, "bac": 125_872, "ibm": 33_381, "spy": 451_545}
FX = {"fxcm_eurusd_20140508": 167_466, "fxcm_nzdusd_20140508": 103_173, "oanda_xauusd_20140502": 265_015}
FUTURES = DATA / "futures" / "comex_gc_20131008_trade.zip"
QUESTDB = DATA / "questdb" / "nasdaq_trades.csv.gz"
FILES = [
    *(
        (DATA / "us_equity" / f"{name}_20131008_quote.zip", "equity-quote", rows)
        for name, rows in EQUITY_QUOTES.items()
    ),
    *(
        (DATA / "us_equity" / f"{name}_20131008_trade.zip", "equity-trade", rows)
        for name, rows in EQUITY_TRADES.items()
    ),
    *((DATA / "fx" / f"{name}_quote.zip", "fx", rows) for name, rows in FX.items()),
    (FUTURES, "futures", 52_322),
]
FAST = [file for file in FILES if file[2] < 60_000]


def check(run, path, format_name, rows):
    report, warnings = run.report(path, "--symbol", "X", "--date", "2013-10-08")
    assert warnings == ""
    assert {file["format"] for file in report["files"]} == {format_name}
    assert (report["lines"], report["messages_received"], report["messages_processed"]) == (rows, rows, rows)
    assert (report["ignored"], report["malformed"], report["errors"], report["out_of_order"]) == (0, 0, 0, 0)
    return report


@needs_data(*(path for path, _, _ in FAST))
@pytest.mark.parametrize(("path", "format_name", "rows"), FAST, ids=[path.stem for path, _, _ in FAST])
def test_every_row_of_a_table_becomes_a_price(run, path, format_name, rows):
    check(run, path, format_name, rows)


@pytest.mark.slow
@needs_data(*(path for path, _, _ in FILES))
@pytest.mark.parametrize(("path", "format_name", "rows"), FILES, ids=[path.stem for path, _, _ in FILES])
def test_every_row_of_every_table_becomes_a_price(run, path, format_name, rows):
    check(run, path, format_name, rows)


@needs_data(FUTURES)
def test_each_expiry_in_an_archive_has_a_symbol_of_its_own(run):
    report = check(run, FUTURES, "futures", 52_322)
    expiries = ["201310", "201311", "201312", "201402", "201404", "201406", "201412", "201506"]
    assert sorted(price["symbol"] for price in report["prices"]) == [f"X.{expiry}" for expiry in expiries]


@needs_data(QUESTDB)
def test_a_table_with_a_header_names_its_symbols_and_changes(run):
    report, warnings = run.report(QUESTDB)
    assert (report["lines"], report["trades"], report["ignored"], warnings) == (14_843, 14_842, 1, "")
    assert (report["symbols"], report["files"][0]["format"]) == (9, "questdb")
    assert all(price["change_24h"] is not None and price["volume"] == 0.0 for price in report["prices"])


@needs_data(*map(capture, WITHOUT_DECODER))
@pytest.mark.parametrize("name", WITHOUT_DECODER)
def test_a_venue_without_a_decoder_runs_to_its_end_with_one_warning(run, name):
    report, warnings = run.report(capture(name))
    assert report["lines"] == report["ignored"] + report["malformed"] > 0
    assert report["messages_received"] == 0
    assert warnings.count("\n") == 1
    assert "no price format recognised" in warnings
