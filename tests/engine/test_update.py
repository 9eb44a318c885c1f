"""A single trade: what is stored, published, counted and returned."""

import math
import time

import pytest
from helpers.stream import NO_SOURCE_TIME, PRICE, SYMBOL, names_in, of_kind, records_of, sequence_of

from pricecore import PriceUpdate


def test_update_stores_every_figure_of_the_trade(engine):
    before_ns = time.time_ns()
    assert engine.update("BINANCE:BTCUSDT", 61737.63, 0.5, 1_723_075_200_000_000_001, -2.5) is True
    trade = engine.get("BINANCE:BTCUSDT")
    assert trade._replace(received_ns=0) == PriceUpdate(
        "BINANCE:BTCUSDT", 61737.63, 0.5, 1_723_075_200_000_000_001, -2.5, 0, 2
    )
    assert before_ns - 1_000_000 <= trade.received_ns <= time.time_ns() + 1_000_000


def test_update_without_the_optional_figures_says_that_they_are_not_given(engine):
    engine.update("A", 1.5)
    trade = engine.get("A")
    assert (trade.volume, trade.timestamp_ns) == (0.0, 0)
    assert math.isnan(trade.change_24h)


def test_update_takes_its_arguments_by_name(engine):
    engine.update(symbol="A", price=2.0, volume=3.0, timestamp_ns=0, change_24h=4.0)
    assert engine.get("A")[1:5] == (2.0, 3.0, 0, 4.0)


def test_later_update_replaces_the_whole_trade(engine):
    engine.update("A", 1.0, volume=5.0, change_24h=1.0)
    engine.update("A", 2.0)
    trade = engine.get("A")
    assert (trade.price, trade.volume) == (2.0, 0.0)
    assert math.isnan(trade.change_24h)


def test_symbols_do_not_touch_each_other(engine):
    for i in range(100):
        engine.update(f"S{i}", 1.0 + i)
    engine.update("S50", 999.0)
    assert [engine.price(f"S{i}") for i in range(100)] == [999.0 if i == 50 else 1.0 + i for i in range(100)]


@pytest.mark.parametrize("price", [5e-324, 1e-300, 0.1, 61737.63, 2.0**53 + 2, 1.7976931348623157e308])
def test_every_positive_finite_double_comes_back_bit_by_bit(engine, price):
    engine.update("A", price)
    assert engine.price("A").hex() == price.hex()


@pytest.mark.parametrize("price", [0.0, -37.63, -1.7976931348623157e308])
def test_engine_that_allows_nonpositive_prices_takes_them(make_engine, price):
    engine = make_engine(allow_nonpositive=True)
    assert engine.update("OIL", price)
    assert engine.price("OIL") == price


def test_record_in_the_ring_has_the_figures_of_the_trade(engine):
    engine.update("A", 10.0, 2.0, 1_723_075_200_000_000_000, 3.0)
    trade, stored = of_kind(records_of(engine), PRICE)[0], engine.get("A")
    assert trade["sequence"] == stored.sequence == 2
    assert trade["received_ns"] == stored.received_ns
    assert (trade["symbol_id"], trade["flags"], trade["timestamp_ns"]) == (0, 0, 1_723_075_200_000_000_000)
    assert (trade["price"], trade["volume"], trade["change_24h"], trade["reserved"]) == (10.0, 2.0, 3.0, 0.0)


def test_record_of_a_trade_without_a_time_says_so_in_its_flags(engine):
    engine.update("A", 10.0)
    trade = of_kind(records_of(engine), PRICE)[0]
    assert (trade["flags"], trade["timestamp_ns"]) == (NO_SOURCE_TIME, 0)


def test_new_symbol_is_published_before_its_first_update(engine):
    engine.update("A", 1.0)
    engine.update("Ω:€", 2.0)
    engine.update("A", 3.0)
    records = records_of(engine)
    assert records["kind"].tolist() == [SYMBOL, PRICE, SYMBOL, PRICE, PRICE]
    assert records["sequence"].tolist() == [1, 2, 3, 4, 5]
    assert names_in(records) == {0: "A", 1: "Ω:€"}


def test_sequence_counts_records_without_a_hole_over_many_laps_of_the_ring(engine):
    for i in range(5_000):
        engine.update("A", 1.0 + i)
    records = records_of(engine)
    assert sequence_of(engine) == 5_001
    assert records["sequence"].tolist() == list(range(5_001 - 1_024 + 1, 5_002))
    assert records["price"].tolist() == [s - 1.0 for s in records["sequence"].tolist()]


def test_receive_time_never_goes_back_in_one_thread(engine):
    times = []
    for _ in range(20_000):
        engine.update("A", 1.0)
        times.append(engine.get("A").received_ns)
    assert times == sorted(times)


def test_update_is_counted_and_timed_once(engine):
    for _ in range(7):
        engine.update("A", 1.0)
    m = engine.metrics()
    assert (m.messages_received, m.messages_processed, m.errors, m.latency.sample_count) == (7, 7, 0, 7)
    assert m.histogram.count == 7
    assert m.latency.max_us > 0


@pytest.mark.parametrize("symbol", ["A", "x" * 48, "é" * 24, "😀" * 12, "a b", "A\0B", "\0", "BINANCE:BTCUSDT"])
def test_any_text_of_1_to_48_utf8_bytes_is_a_symbol(engine, symbol):
    engine.update(symbol, 1.0)
    assert engine.symbols() == [symbol]
    assert names_in(records_of(engine)) == {0: symbol}
    assert engine.price(symbol) == 1.0


def test_equal_text_in_another_object_is_the_same_symbol(engine):
    engine.update("BTCUSDT", 1.0)
    engine.update("".join(["BTC", "USDT"]), 2.0)
    assert (len(engine), engine.price("BTCUSDT")) == (1, 2.0)


def test_time_just_above_the_limit_is_applied(engine):
    assert engine.update("A", 1.0, timestamp_ns=10**17 + 1)
    assert engine.get("A").timestamp_ns == 10**17 + 1


def test_time_a_little_ahead_of_our_clock_is_applied(engine):
    timestamp_ns = time.time_ns() + 50_000_000_000
    assert engine.update("A", 1.0, timestamp_ns=timestamp_ns)
    assert engine.get("A").timestamp_ns == timestamp_ns


def test_any_future_is_applied_when_there_is_no_limit(make_engine):
    engine = make_engine(max_future_s=None)
    assert engine.update("A", 1.0, timestamp_ns=2**63 - 1)
    assert engine.get("A").timestamp_ns == 2**63 - 1
