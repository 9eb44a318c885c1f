"""Times of the source: what is older than the stored one of its symbol and kind is counted, not stored."""

import math

import pytest
from helpers.stream import records_of, sequence_of

TIME = 1_723_075_200_000_000_000


def trade(engine, symbol, price, timestamp_ns):
    return engine.update(symbol, price, timestamp_ns=timestamp_ns)


def quote(engine, symbol, bid, timestamp_ns):
    return engine.update_quote(symbol, bid, bid + 1.0, timestamp_ns=timestamp_ns)


def trade_row(engine, symbol, price, timestamp_ns):
    return engine.update_many([symbol], [price], None, [timestamp_ns]) == 1


def quote_row(engine, symbol, bid, timestamp_ns):
    return engine.update_quotes([symbol], [bid], [bid + 1.0], None, None, [timestamp_ns]) == 1


def stored(engine, call, symbol="A"):
    found = engine.get(symbol) if call in (trade, trade_row) else engine.quote(symbol)
    return found[1]


every_call = pytest.mark.parametrize("call", [trade, quote, trade_row, quote_row])


def counts(engine):
    m = engine.metrics()
    assert m.messages_received == m.messages_processed + m.out_of_order
    return m.messages_processed, m.out_of_order


@every_call
def test_older_update_is_counted_and_not_stored(engine, call):
    assert call(engine, "A", 1.0, TIME)
    assert not call(engine, "A", 2.0, TIME - 1)
    assert stored(engine, call) == 1.0
    assert counts(engine) == (1, 1)
    assert engine.metrics().errors == 0
    assert engine.metrics().latency.sample_count == 1


@every_call
def test_equal_time_is_applied(engine, call):
    call(engine, "A", 1.0, TIME)
    assert call(engine, "A", 2.0, TIME)
    assert stored(engine, call) == 2.0
    assert counts(engine) == (2, 0)


@every_call
def test_newer_time_is_applied(engine, call):
    call(engine, "A", 1.0, TIME)
    assert call(engine, "A", 2.0, TIME + 1)
    assert stored(engine, call) == 2.0


@every_call
def test_update_without_a_time_is_applied_after_any_time(engine, call):
    call(engine, "A", 1.0, TIME)
    assert call(engine, "A", 2.0, 0)
    assert stored(engine, call) == 2.0


@every_call
def test_any_time_is_applied_after_an_update_without_one(engine, call):
    call(engine, "A", 1.0, TIME)
    call(engine, "A", 2.0, 0)
    assert call(engine, "A", 3.0, TIME - 10**15)
    assert stored(engine, call) == 3.0


@every_call
def test_symbols_are_compared_with_themselves_only(engine, call):
    call(engine, "A", 1.0, TIME)
    assert call(engine, "B", 2.0, TIME - 1)
    assert stored(engine, call, "B") == 2.0


@pytest.mark.parametrize(("first", "second"), [(trade, quote), (quote, trade), (trade_row, quote_row)])
def test_trades_and_quotes_are_not_compared_with_each_other(engine, first, second):
    assert first(engine, "A", 1.0, TIME)
    assert second(engine, "A", 2.0, TIME - 10**15)
    assert counts(engine) == (2, 0)


@every_call
def test_apply_stores_what_is_older(make_engine, call):
    engine = make_engine(out_of_order="apply")
    call(engine, "A", 1.0, TIME)
    assert call(engine, "A", 2.0, TIME - 1)
    assert stored(engine, call) == 2.0
    assert counts(engine) == (2, 0)


@every_call
def test_late_update_after_a_late_one_is_compared_with_what_is_stored(engine, call):
    call(engine, "A", 1.0, TIME)
    assert not call(engine, "A", 2.0, TIME - 10)
    assert not call(engine, "A", 3.0, TIME - 5)
    assert call(engine, "A", 4.0, TIME + 5)
    assert not call(engine, "A", 5.0, TIME)
    assert stored(engine, call) == 4.0
    assert counts(engine) == (2, 3)


@pytest.mark.parametrize("call", [trade, quote])
def test_single_late_update_takes_no_place_in_the_stream(engine, call):
    call(engine, "A", 1.0, TIME)
    before = records_of(engine).tobytes()
    call(engine, "A", 2.0, TIME - 1)
    assert records_of(engine).tobytes() == before
    assert sequence_of(engine) == 2


@pytest.mark.parametrize("late_side", [{"bid": 5.0, "ask": math.nan}, {"bid": math.nan, "ask": 5.0}])
def test_late_partial_quote_changes_neither_side(engine, late_side):
    engine.update_quote("A", 9.0, 10.0, timestamp_ns=TIME)
    assert not engine.update_quote("A", **late_side, timestamp_ns=TIME - 1, partial=True)
    assert engine.quote("A")[1:3] == (9.0, 10.0)


@pytest.mark.parametrize("on_bad", ["raise", "count"])
def test_late_update_never_raises_and_is_not_logged(make_engine, on_bad, caplog):
    engine = make_engine(on_bad=on_bad)
    trade(engine, "A", 1.0, TIME)
    assert trade(engine, "A", 2.0, TIME - 1) is False
    assert caplog.messages == []
