"""`update_many` and `update_quotes`: order, bad rows, new symbols, what is returned and counted."""

import math
import time

import numpy as np
import pytest
from helpers.stream import (
    CROSSED,
    NO_SOURCE_TIME,
    ONE_SIDED,
    PRICE,
    QUOTE,
    SYMBOL,
    VOID,
    of_kind,
    records_of,
    sequence_of,
)

from pricecore import PriceEngine, UnknownSymbolError

NAN = math.nan
TIME = 1_723_075_200_000_000_000
SIZES = [1, 2, 63, 64, 65, 127, 128, 129, 1_000]


def assert_untouched(engine, records=0):
    m = engine.metrics()
    assert (m.messages_received, m.errors, m.batch_us, m.ring.sequence) == (0, 0, 0.0, records)


def assert_same_stream_and_prices(one, other):
    """All but the times at which the engines took the records, byte for byte."""
    for read, times in ((records_of, ["received_ns"]), (PriceEngine.snapshot, ["received_ns", "quote_received_ns"])):
        ours, theirs = read(one), read(other)
        for name in times:
            ours[name] = theirs[name] = 0
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("by", ["ids", "names"])
def test_batch_does_what_single_updates_do(make_engine, by, rows):
    batch, single = make_engine(), make_engine()
    rng = np.random.default_rng(rows)
    names = [f"S{i}" for i in range(10)]
    batch.register(names)
    single.register(names)
    ids = rng.integers(0, 10, rows).astype(np.int32)
    prices, volumes, changes = rng.uniform(1, 100, (3, rows))
    times = TIME + np.arange(rows)
    symbols = ids if by == "ids" else [names[i] for i in ids]
    assert batch.update_many(symbols, prices, volumes, times, changes) == rows
    for i, price, volume, timestamp_ns, change in zip(ids, prices, volumes, times, changes, strict=True):
        single.update(names[i], price, volume, timestamp_ns, change)
    assert_same_stream_and_prices(batch, single)


@pytest.mark.parametrize("rows", SIZES)
def test_quotes_in_a_batch_do_what_single_quotes_do(make_engine, rows):
    batch, single = make_engine(), make_engine()
    rng = np.random.default_rng(rows)
    bids, asks, bid_sizes, ask_sizes = rng.uniform(1, 100, (4, rows))
    absent = rng.random(rows) < 0.3
    bids[absent], bid_sizes[absent] = NAN, 0.0
    symbols = [f"S{i}" for i in rng.integers(0, 10, rows)]
    batch.register([f"S{i}" for i in range(10)])
    single.register([f"S{i}" for i in range(10)])
    assert batch.update_quotes(symbols, bids, asks, bid_sizes, ask_sizes) == rows
    for row in zip(symbols, bids, asks, bid_sizes, ask_sizes, strict=True):
        single.update_quote(*row)
    assert_same_stream_and_prices(batch, single)


def test_last_row_of_a_symbol_wins(engine):
    assert engine.update_many(["A", "B", "A", "B", "A"], [1.0, 2.0, 3.0, 4.0, 5.0]) == 5
    assert (engine.price("A"), engine.price("B")) == (5.0, 4.0)
    assert of_kind(records_of(engine), PRICE)["price"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_columns_that_are_not_given_read_as_not_given(engine):
    engine.update_many(["A"], [1.0])
    engine.update_quotes(["A"], [1.0], [2.0])
    trade = of_kind(records_of(engine), PRICE)[0]
    assert (trade["volume"], trade["timestamp_ns"], trade["flags"]) == (0.0, 0, NO_SOURCE_TIME)
    assert math.isnan(trade["change_24h"])
    assert engine.quote("A")[3:6] == (0.0, 0.0, 0)


def test_flags_of_quotes_in_a_batch(engine):
    engine.update_quotes(["A"] * 4, [9.0, 11.0, NAN, 9.0], [10.0] * 4, timestamps_ns=[TIME, TIME, TIME, 0])
    assert of_kind(records_of(engine), QUOTE)["flags"].tolist() == [0, CROSSED, ONE_SIDED, NO_SOURCE_TIME]


@pytest.mark.parametrize(
    "empty", [[], (), np.array([], np.int32), np.array([]), np.array([], np.int64), np.array([], object)]
)
def test_batch_of_no_rows_does_nothing(engine, empty):
    assert engine.update_many(empty, []) == 0
    assert engine.update_many(empty, np.array([]), [], [], []) == 0
    assert engine.update_quotes(empty, [], [], [], [], []) == 0
    assert_untouched(engine)


def test_batch_is_counted_once_a_row_and_timed_by_its_mean(engine):
    rows = 500
    engine.update_many(["A"] * rows, np.arange(1.0, rows + 1))
    m = engine.metrics()
    assert (m.messages_received, m.messages_processed) == (rows, rows)
    assert m.latency.sample_count == m.histogram.count == rows
    assert m.latency.min_us == m.latency.p50_us == m.latency.max_us
    assert m.latency.max_us * rows <= m.batch_us <= (m.latency.max_us + 0.001) * rows
    assert m.histogram.sum_ns == pytest.approx(m.latency.mean_us * 1e3 * rows)


def test_batch_us_is_the_mean_of_the_calls(engine):
    begin = time.perf_counter_ns()
    for _ in range(20):
        engine.update_many(["A"] * 100, [1.0] * 100)
        engine.update_quotes(["A"] * 50, [1.0] * 50, [2.0] * 50)
    wall_us = (time.perf_counter_ns() - begin) / 1e3
    assert 0 < engine.metrics().batch_us * 40 <= wall_us


BAD_ROWS = [
    ({"price": NAN}, "price_not_finite"),
    ({"price": math.inf}, "price_not_finite"),
    ({"price": 0.0}, "price_not_positive"),
    ({"price": -1.0}, "price_not_positive"),
    ({"volume": -1.0}, "volume"),
    ({"volume": NAN}, "volume"),
    ({"change": math.inf}, "change"),
    ({"time": 1_723_075_200}, "time_unit"),
    ({"time": -5}, "time_negative"),
    ({"time": 2**63 - 1}, "future"),
    ({"symbol": ""}, "symbol_empty"),
    ({"symbol": "x" * 49}, "symbol_too_long"),
    ({"symbol": "\ud800"}, "symbol_encoding"),
]
BAD_QUOTES = [
    ({"bid": NAN, "ask": NAN}, "no_side"),
    ({"bid": math.inf}, "price_not_finite"),
    ({"ask": 0.0}, "price_not_positive"),
    ({"bid_size": -1.0}, "size"),
    ({"ask": NAN, "ask_size": 1.0}, "size"),
    ({"time": 1}, "time_unit"),
    ({"symbol": ""}, "symbol_empty"),
]


def columns_of(good, bad, rows, at):
    """Return the columns of `rows` good rows, of which that at `at` is the bad one."""
    table = {name: [value] * rows for name, value in good.items()}
    for name, value in bad.items():
        table[name][at] = value
    return list(table.values())


@pytest.mark.parametrize("rows", [3, 200])
@pytest.mark.parametrize(("bad", "reason"), BAD_ROWS)
def test_bad_trade_of_a_batch_is_skipped_and_counted(engine, bad, reason, rows, caplog):
    good = {"symbol": "A", "price": 2.0, "volume": 1.0, "time": TIME, "change": 0.0}
    assert engine.update_many(*columns_of(good, bad, rows, at=1)) == rows - 1
    m = engine.metrics()
    assert (m.messages_received, m.messages_processed, m.errors_by_reason) == (rows, rows - 1, {reason: 1})
    assert m.latency.sample_count == rows - 1
    assert len(of_kind(records_of(engine), PRICE)) == rows - 1
    assert engine.symbols() == ["A"]
    assert len(caplog.messages) == 1
    assert reason in caplog.messages[0]


@pytest.mark.parametrize(("bad", "reason"), BAD_QUOTES)
def test_bad_quote_of_a_batch_is_skipped_and_counted(engine, bad, reason):
    good = {"symbol": "A", "bid": 9.0, "ask": 10.0, "bid_size": 0.0, "ask_size": 0.0, "time": TIME}
    assert engine.update_quotes(*columns_of(good, bad, 3, at=1)) == 2
    m = engine.metrics()
    assert (m.messages_received, m.messages_processed, m.errors_by_reason) == (3, 2, {reason: 1})


def test_rows_that_are_all_bad_leave_only_their_count(engine):
    assert engine.update_many(["A"] * 200, [NAN] * 200) == 0
    m = engine.metrics()
    assert (m.errors_by_reason, m.ring.sequence, m.symbols) == ({"price_not_finite": 200}, 0, 0)
    assert m.latency.sample_count == 0


def test_symbol_whose_rows_are_all_bad_is_not_registered(engine):
    assert engine.update_many(["A", "BAD", "B", "BAD"], [1.0, NAN, 2.0, -1.0]) == 2
    assert engine.symbols() == ["A", "B"]
    assert "BAD" not in engine


def test_symbol_with_one_good_row_is_registered_once_and_its_record_comes_first(engine):
    assert engine.update_many(["A", "A", "A"], [NAN, 2.0, 3.0]) == 2
    assert records_of(engine)["kind"].tolist() == [SYMBOL, PRICE, PRICE]


def test_symbols_of_a_batch_get_their_ids_in_the_order_of_the_rows(engine):
    engine.update_many(["C", "A", "C", "B"], [1.0, 2.0, 3.0, 4.0])
    assert engine.symbols() == ["C", "A", "B"]


def test_late_rows_become_void_in_the_ring_and_are_counted(engine):
    times = [TIME + 5, TIME + 1, TIME + 5, TIME + 4, TIME + 9]
    assert engine.update_many(["A"] * 5, [1.0, 2.0, 3.0, 4.0, 5.0], None, times) == 3
    m = engine.metrics()
    assert (m.messages_received, m.messages_processed, m.out_of_order, m.errors) == (5, 3, 2, 0)
    records = records_of(engine)
    assert records["kind"].tolist() == [SYMBOL, PRICE, VOID, PRICE, VOID, PRICE]
    assert records["sequence"].tolist() == [1, 2, 3, 4, 5, 6]
    assert not any(records[records["kind"] == VOID][["timestamp_ns", "price", "volume", "flags"]].tolist()[0])
    assert engine.price("A") == 5.0


@pytest.mark.parametrize("ids", [[5], [-1], [2**31], [2**40], [-(2**31) - 1], [0, 0, 5], [0, -1, 0]])
def test_unknown_id_raises_before_anything_is_applied(engine, ids):
    engine.register(["A", "B"])
    engine.reset_stats()
    worst = next(i for i in ids if not 0 <= i < 2)
    for array in (ids, np.array(ids)):
        with pytest.raises(UnknownSymbolError, match=f"no symbol has the id {worst}.*nothing of the batch") as caught:
            engine.update_many(array, [1.0] * len(ids))
        assert isinstance(caught.value, KeyError)
        with pytest.raises(UnknownSymbolError):
            engine.update_quotes(array, [1.0] * len(ids), [1.0] * len(ids))
    assert_untouched(engine, records=2)
    assert engine.get("A") is None


def test_any_id_is_unknown_to_an_empty_engine(engine):
    with pytest.raises(UnknownSymbolError):
        engine.update_many(np.array([0], np.int32), [1.0])
    assert_untouched(engine)


def test_batch_larger_than_the_ring_is_stored_whole(engine):
    ids = np.tile(engine.register(["A", "B", "C"]), 10_000).astype(np.int32)
    assert engine.update_many(ids, np.arange(1.0, 30_001.0)) == 30_000
    assert [engine.price(s) for s in "ABC"] == [29_998.0, 29_999.0, 30_000.0]
    records = records_of(engine)
    assert sequence_of(engine) == 30_003
    assert records["price"].tolist() == (records["sequence"] - 3.0).tolist()


def test_register_gives_ids_that_batches_take(engine):
    ids = engine.register(["A", "B"])
    assert (ids.dtype, ids.tolist(), engine.register("B"), engine.register(["B", "C"]).tolist()) == (
        np.int32, [0, 1], 1, [1, 2]
    )  # fmt: skip
    engine.update_many(ids, [1.0, 2.0])
    assert (engine.price("A"), engine.price("B")) == (1.0, 2.0)


def test_writer_handles_take_batches(engine):
    with engine.writer() as writer:
        assert writer.update_many(["A", "B"], [1.0, NAN]) == 1
        assert writer.update_quotes(["A"], [1.0], [2.0]) == 1
    m = engine.metrics()
    assert (m.messages_processed, m.errors) == (2, 1)
