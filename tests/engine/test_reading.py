"""Every way to read prices: values, defaults, and errors that say what to call instead."""

import math
import sys
import time

import numpy as np
import pandas as pd
import pytest

from pricecore import SNAPSHOT_DTYPE, MissingExtraError, PriceUpdate, Quote, UnknownSymbolError

TIME = 1_723_075_200_123_456_789


@pytest.fixture
def engine(engine):
    """T has a trade, Q a quote, B both, N nothing."""
    engine.update("T", 10.0, 1.0, TIME, 2.0)
    engine.update_quote("Q", 9.0, 11.0, 3.0, 4.0, TIME)
    engine.update("B", 20.0)
    engine.update_quote("B", 19.0, 21.0)
    engine.register("N")
    return engine


def test_price_is_that_of_the_latest_trade(engine):
    assert (engine.price("T"), engine.price("B")) == (10.0, 20.0)


def test_mid_is_the_middle_of_the_latest_quote(engine):
    assert (engine.mid("Q"), engine.mid("B")) == (10.0, 20.0)


def test_get_and_brackets_return_the_latest_trade(engine):
    trade = engine.get("T")
    assert isinstance(trade, PriceUpdate)
    assert engine["T"] == trade
    assert PriceUpdate._fields == (
        "symbol", "price", "volume", "timestamp_ns", "change_24h", "received_ns", "sequence"
    )  # fmt: skip
    assert trade._replace(received_ns=0) == ("T", 10.0, 1.0, TIME, 2.0, 0, 2)


def test_quote_returns_the_latest_quote(engine):
    quote = engine.quote("Q")
    assert isinstance(quote, Quote)
    assert Quote._fields == (
        "symbol", "bid", "ask", "bid_size", "ask_size", "timestamp_ns", "received_ns", "sequence"
    )  # fmt: skip
    assert quote._replace(received_ns=0) == ("Q", 9.0, 11.0, 3.0, 4.0, TIME, 0, 4)


def test_results_are_tuples_like_any_other(engine):
    symbol, price, *_ = engine.get("T")
    assert (symbol, price, len(engine.get("T")), len(engine.quote("Q"))) == ("T", 10.0, 7, 8)
    assert hash(engine.get("T")) == hash(tuple(engine.get("T")))
    assert {engine.get("T"): 1}[engine.get("T")] == 1
    assert repr(engine.get("T")).startswith("PriceUpdate(symbol='T', price=10.0, volume=1.0, ")


@pytest.mark.parametrize("symbol", ["NONE", "", "x" * 100, "\ud800", "Q", "N"])
def test_get_of_what_is_not_there_returns_the_default(engine, symbol):
    default = object()
    assert engine.get(symbol) is None
    assert engine.get(symbol, default) is engine.get(symbol, default=default) is default


@pytest.mark.parametrize("symbol", ["NONE", "", "x" * 100, "\ud800", "T", "N"])
def test_quote_of_what_is_not_there_returns_the_default(engine, symbol):
    default = object()
    assert engine.quote(symbol) is None
    assert engine.quote(symbol, default) is engine.quote(symbol, default=default) is default


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.price("NONE"), r"'NONE' is not a symbol of this engine; engine\.symbols\(\) lists them"),
        (lambda e: e["NONE"], "'NONE' is not a symbol"),
        (lambda e: e.mid("NONE"), "'NONE' is not a symbol"),
        (lambda e: e.age_s("NONE"), "'NONE' is not a symbol"),
        (lambda e: e.symbol_id("NONE"), "'NONE' is not a symbol"),
        (lambda e: e.price("\ud800"), r"'\\ud800' is not a symbol"),
        (lambda e: e.price("Q"), r"'Q' has no trade price yet; mid\(\) and quote\(\) read its quotes"),
        (lambda e: e["Q"], "'Q' has no trade price yet"),
        (lambda e: e.price("N"), "'N' has no trade price yet"),
        (lambda e: e.mid("T"), r"'T' has no quote yet; price\(\) reads its trades"),
        (lambda e: e.mid("N"), "'N' has no quote yet"),
        (lambda e: e.age_s("N"), "'N' has no price and no quote yet"),
        (lambda e: e.symbol(4), "no symbol has the id 4; ids run from 0 to 3"),
        (lambda e: e.symbol(-1), "no symbol has the id -1"),
        (lambda e: e.symbol(2**70), f"no symbol has the id {2**70}"),
    ],
)
def test_what_is_not_there_is_a_key_error_that_reads_well(engine, call, message):
    with pytest.raises(UnknownSymbolError, match=f"^{message}") as caught:
        call(engine)
    assert isinstance(caught.value, KeyError)
    assert len(engine) == 4


@pytest.mark.parametrize("value", ["T", 1.0, None, True])
def test_what_is_no_int_is_no_symbol_id(engine, value):
    with pytest.raises(TypeError, match=f"a symbol id is an int, not {type(value).__name__}"):
        engine.symbol(value)


def test_symbols_ids_and_names_agree(engine):
    assert engine.symbols() == list(engine) == ["T", "Q", "B", "N"]
    assert len(engine) == 4
    for i, symbol in enumerate(engine.symbols()):
        assert (engine.symbol_id(symbol), engine.symbol(i), engine.symbol(np.int32(i))) == (i, symbol, symbol)
        assert symbol in engine
    for other in ("NONE", "", "\ud800", None, 0, b"T", ["T"]):
        assert other not in engine


def test_list_of_symbols_is_the_callers_own(engine):
    engine.symbols().clear()
    assert len(engine.symbols()) == 4


def test_age_counts_from_the_newest_price_or_quote(engine):
    assert 0 <= engine.age_s("T") < 60
    time.sleep(0.03)
    assert engine.age_s("B") >= 0.03
    engine.update_quote("B", 19.0, 21.0)
    assert engine.age_s("B") < engine.age_s("T")


def test_age_does_not_look_at_the_sources_time(engine):
    engine.update("A", 1.0, timestamp_ns=TIME)
    assert engine.age_s("A") < 60


def test_stale_symbols_are_those_without_a_price_for_so_long(engine):
    assert engine.stale_symbols(60.0) == ["N"]
    time.sleep(1.0)
    engine.update("T", 1.0)
    assert engine.stale_symbols(0.95) == ["Q", "B", "N"]


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_age_that_cannot_be_is_refused(engine, value):
    with pytest.raises(ValueError, match=f"max_age_s is {value}"):
        engine.stale_symbols(value)


def test_snapshot_has_one_row_a_symbol(engine):
    rows = engine.snapshot()
    assert rows.dtype == SNAPSHOT_DTYPE
    assert rows["symbol_id"].tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(rows["price"], [10.0, np.nan, 20.0, np.nan])
    np.testing.assert_array_equal(rows["bid"], [np.nan, 9.0, 19.0, np.nan])
    assert rows[["volume", "change_24h", "timestamp_ns"]][0].tolist() == (1.0, 2.0, TIME)
    assert rows[["ask", "bid_size", "ask_size", "quote_timestamp_ns"]][1].tolist() == (11.0, 3.0, 4.0, TIME)
    assert rows["received_ns"].tolist()[:2] == [engine.get("T").received_ns, 0]
    assert rows["quote_received_ns"].tolist()[:2] == [0, engine.quote("Q").received_ns]


def test_snapshot_is_a_copy(engine):
    rows = engine.snapshot()
    engine.update("T", 99.0)
    assert rows["price"][0] == 10.0
    rows["price"] = 5.0
    assert engine.price("T") == 99.0


def test_snapshot_of_an_empty_engine_has_no_rows(make_engine):
    assert make_engine().snapshot().shape == (0,)


COLUMNS = [
    "symbol", "price", "volume", "change_24h", "timestamp", "received", "bid", "ask", "bid_size", "ask_size",
    "quote_timestamp", "quote_received",
]  # fmt: skip


def test_pandas_frame_has_symbols_and_utc_times(engine):
    frame = engine.to_pandas()
    assert frame.columns.tolist() == COLUMNS
    assert frame["symbol"].tolist() == ["T", "Q", "B", "N"]
    assert frame["price"].isna().tolist() == [False, True, False, True]
    assert frame["timestamp"].isna().tolist() == [False, True, True, True]
    assert frame["timestamp"][0] == pd.Timestamp(TIME, unit="ns", tz="UTC")
    assert frame["quote_received"][1].value == engine.quote("Q").received_ns
    for name in ("timestamp", "received", "quote_timestamp", "quote_received"):
        assert str(frame[name].dtype) == "datetime64[ns, UTC]"


def test_polars_frame_has_symbols_and_utc_times(engine):
    pl = pytest.importorskip("polars", reason="no polars for this interpreter")
    frame = engine.to_polars()
    assert frame.columns == COLUMNS
    assert frame["symbol"].to_list() == ["T", "Q", "B", "N"]
    assert frame["timestamp"].is_null().to_list() == [False, True, True, True]
    assert frame["timestamp"].dt.epoch("ns")[0] == TIME
    for name in ("timestamp", "received", "quote_timestamp", "quote_received"):
        assert frame[name].dtype == pl.Datetime("ns", "UTC")


def test_frames_of_an_empty_engine_have_the_same_columns_and_types(engine, make_engine):
    empty = make_engine()
    assert empty.to_pandas().columns.tolist() == COLUMNS
    assert len(empty.to_pandas()) == 0
    pytest.importorskip("polars", reason="no polars for this interpreter")
    assert empty.to_polars().schema == engine.to_polars().schema


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_table_without_its_library_says_what_to_install(engine, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=f"to_{name} needs {name}: pip install {name}$"):
        getattr(engine, f"to_{name}")()


def test_an_error_inside_the_library_of_a_table_is_not_hidden(engine, monkeypatch, tmp_path):
    (tmp_path / "polars.py").write_text("import nonesuch_inside_polars")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "polars", raising=False)
    with pytest.raises(ModuleNotFoundError, match="nonesuch_inside_polars"):
        engine.to_polars()


def test_frames_are_copies(engine):
    frame = engine.to_pandas()
    frame["price"] = 0.0
    assert engine.price("T") == 10.0


def test_reading_registers_nothing(engine):
    for call in (engine.get, engine.quote):
        call("NONE")
    assert "NONE" not in engine
    assert len(engine) == 4


def test_register_makes_a_symbol_without_a_price(engine):
    assert engine.register("M") == 4
    assert engine.register("M") == 4
    assert engine.get("M") is engine.quote("M") is None
    assert "M" in engine


@pytest.mark.parametrize("kind", [list, tuple, set, iter, np.array, pd.Series, dict.fromkeys])
def test_register_takes_any_iterable_of_str(engine, kind):
    ids = engine.register(kind(["X", "Y"]))
    assert ids.dtype == np.int32
    assert sorted(ids.tolist()) == [4, 5]


@pytest.mark.parametrize("symbols", [None, 5, [1], ["A", None], b"A"])
def test_register_of_what_is_no_symbol_is_a_type_error(engine, symbols):
    with pytest.raises(TypeError):
        engine.register(symbols)


def test_repr_says_how_many_symbols(engine):
    assert repr(engine) == "<PriceEngine of 4 symbols>"


def test_an_engine_without_symbols_is_true(make_engine):
    with make_engine() as engine:
        assert engine
        assert len(engine) == 0
    assert engine  # closed as well


def test_a_symbol_with_nothing_stored_is_stale_at_any_age(make_engine):
    with make_engine() as engine:
        engine.register("A")
        engine.update("B", 1.0)
        assert engine.stale_symbols(float("inf")) == ["A"]
