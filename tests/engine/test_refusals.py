"""Every rule that an update can break: the error, the count, and that nothing of the update is visible."""

import logging
import math
import re
import time
from decimal import Decimal

import pytest
from helpers.stream import records_of, sequence_of

from pricecore import InvalidUpdateError, PricecoreError, SymbolTableFullError
from pricecore.metrics import log

NAN, INF = math.nan, math.inf
FUTURE = time.time_ns() + 10**15

BAD_FIGURES_OF_A_TRADE = [
    ({"price": NAN}, "price_not_finite", "nan"),
    ({"price": INF}, "price_not_finite", "inf"),
    ({"price": -INF}, "price_not_finite", "-inf"),
    ({"price": Decimal("NaN")}, "price_not_finite", "Decimal('NaN')"),
    ({"price": Decimal("sNaN")}, "price_not_finite", "Decimal('sNaN')"),
    ({"price": Decimal("Infinity")}, "price_not_finite", "Decimal('Infinity')"),
    ({"price": 10**400}, "price_not_finite", "price=1000"),
    ({"price": 10**5000}, "price_not_finite", "<int without a repr>"),
    ({"price": 0.0}, "price_not_positive", "price=0.0"),
    ({"price": -0.0}, "price_not_positive", "price=-0.0"),
    ({"price": 0}, "price_not_positive", "price=0"),
    ({"price": -37.63}, "price_not_positive", "price=-37.63"),
    ({"volume": -0.5}, "volume", "volume=-0.5"),
    ({"volume": NAN}, "volume", "volume=nan"),
    ({"volume": INF}, "volume", "volume=inf"),
    ({"change_24h": INF}, "change", "change_24h=inf"),
    ({"change_24h": -INF}, "change", "change_24h=-inf"),
]
BAD_TIMES = [
    ({"timestamp_ns": 1_723_075_200}, "time_unit", "timestamp_ns=1723075200"),
    ({"timestamp_ns": 1_723_075_200_000}, "time_unit", "timestamp_ns=1723075200000"),
    ({"timestamp_ns": 1_723_075_200_000_000}, "time_unit", "timestamp_ns=1723075200000000"),
    ({"timestamp_ns": 1}, "time_unit", "timestamp_ns=1"),
    ({"timestamp_ns": 10**17}, "time_unit", f"timestamp_ns={10**17}"),
    ({"timestamp_ns": True}, "time_unit", "timestamp_ns=True"),
    ({"timestamp_ns": -1}, "time_negative", "timestamp_ns=-1"),
    ({"timestamp_ns": -(2**63)}, "time_negative", f"timestamp_ns={-(2**63)}"),
    ({"timestamp_ns": 2**63}, "time_overflow", f"timestamp_ns={2**63}"),
    ({"timestamp_ns": -(2**63) - 1}, "time_overflow", f"timestamp_ns={-(2**63) - 1}"),
    ({"timestamp_ns": 10**5000}, "time_overflow", "<int without a repr>"),
    ({"timestamp_ns": FUTURE}, "future", f"timestamp_ns={FUTURE}"),
    ({"timestamp_ns": 2**63 - 1}, "future", f"timestamp_ns={2**63 - 1}"),
]
BAD_SYMBOLS = [
    ({"symbol": ""}, "symbol_empty", "''"),
    ({"symbol": "x" * 49}, "symbol_too_long", "x" * 49),
    ({"symbol": "é" * 25}, "symbol_too_long", "é" * 25),
    ({"symbol": "x" * 10**6}, "symbol_too_long", "xxx..."),
    ({"symbol": "A\ud800"}, "symbol_encoding", "A\\ud800"),
    ({"symbol": "\udfff" * 100}, "symbol_encoding", "\\udfff"),
]
BAD_FIGURES_OF_A_QUOTE = [
    ({"bid": NAN, "ask": NAN}, "no_side", "bid=nan, ask=nan"),
    ({"bid": INF}, "price_not_finite", "bid=inf"),
    ({"ask": -INF}, "price_not_finite", "ask=-inf"),
    ({"bid": 0.0}, "price_not_positive", "bid=0.0"),
    ({"ask": -1.0}, "price_not_positive", "ask=-1.0"),
    ({"bid_size": -1.0}, "size", "bid_size=-1.0"),
    ({"ask_size": -1.0}, "size", "ask_size=-1.0"),
    ({"bid_size": NAN}, "size", "bid_size=nan"),
    ({"ask_size": INF}, "size", "ask_size=inf"),
    ({"bid": NAN, "bid_size": 1.0}, "size", "bid=nan"),
    ({"ask": NAN, "ask_size": 1.0}, "size", "ask=nan"),
]
WHAT_TO_DO = {
    "price_not_finite": "finite",
    "price_not_positive": "allow_nonpositive=True",
    "volume": "0.0 says that none is given",
    "change": "NaN says that none is given",
    "no_side": "an absent side is NaN",
    "size": "0.0 where its side is absent",
    "symbol_empty": "must not be empty",
    "symbol_too_long": "48 bytes",
    "symbol_encoding": "surrogate",
    "time_unit": "multiply by 10**9, 10**6 or 10**3",
    "time_negative": "0 when the source gives no time",
    "time_overflow": "64-bit",
    "future": "max_future_s",
}


def trade(engine, **bad):
    return engine.update(**({"symbol": "A", "price": 1.0} | bad))


def quote(engine, **bad):
    return engine.update_quote(**({"symbol": "A", "bid": 9.0, "ask": 10.0} | bad))


def named(call, cases):
    return [pytest.param(call, *case, id=f"{call.__name__}-{case[1]}-{i}") for i, case in enumerate(cases)]


EVERY_BAD_UPDATE = pytest.mark.parametrize(
    ("call", "bad", "reason", "shown"),
    named(trade, BAD_FIGURES_OF_A_TRADE + BAD_TIMES + BAD_SYMBOLS)
    + named(quote, BAD_FIGURES_OF_A_QUOTE + BAD_TIMES + BAD_SYMBOLS),
)


def assert_counted_once(engine, reason, processed=0):
    m = engine.metrics()
    assert (m.errors, m.errors_by_reason, m.messages_processed) == (1, {reason: 1}, processed)
    assert (m.messages_received, m.out_of_order) == (processed + 1, 0)
    assert m.error_rate == 1 / (processed + 1)
    assert m.latency.sample_count == m.histogram.count == processed


def assert_nothing_there(engine):
    assert (len(engine), engine.symbols(), sequence_of(engine), len(records_of(engine))) == (0, [], 0, 0)
    assert engine.get("A") is engine.quote("A") is None


@EVERY_BAD_UPDATE
def test_bad_update_raises_an_error_that_names_value_and_rule(engine, call, bad, reason, shown):
    with pytest.raises(InvalidUpdateError) as caught:
        call(engine, **bad)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, PricecoreError)
    assert caught.value.reason == reason
    message = str(caught.value)
    assert shown in message
    assert WHAT_TO_DO[reason] in message
    assert len(message) < 1_000
    assert ("'A'" in message) == ("symbol" not in bad)


@EVERY_BAD_UPDATE
def test_bad_update_is_counted_once_and_leaves_nothing(engine, call, bad, reason, shown, caplog):
    with pytest.raises(InvalidUpdateError):
        call(engine, **bad)
    assert_counted_once(engine, reason)
    assert_nothing_there(engine)
    assert caplog.records == []


@EVERY_BAD_UPDATE
def test_bad_update_of_a_known_symbol_leaves_what_was_there(engine, call, bad, reason, shown):
    trade(engine, price=5.0, change_24h=1.0)
    quote(engine, bid=4.0)
    before = engine.get("A"), engine.quote("A"), records_of(engine).tobytes()
    with pytest.raises(InvalidUpdateError):
        call(engine, **bad)
    assert (engine.get("A"), engine.quote("A"), records_of(engine).tobytes()) == before
    assert_counted_once(engine, reason, processed=2)


@EVERY_BAD_UPDATE
def test_bad_update_is_only_counted_and_logged_where_asked_for(make_engine, call, bad, reason, shown, caplog):
    engine = make_engine(on_bad="count")
    assert call(engine, **bad) is False
    assert_counted_once(engine, reason)
    assert_nothing_there(engine)
    assert [(r.name, r.levelno) for r in caplog.records] == [("pricecore", logging.WARNING)]
    assert reason in caplog.messages[0]
    assert WHAT_TO_DO[reason] in caplog.messages[0]


@EVERY_BAD_UPDATE
def test_writer_handle_refuses_as_the_engine_does(engine, call, bad, reason, shown):
    with engine.writer() as writer, pytest.raises(InvalidUpdateError) as caught:
        call(writer, **bad)
    assert caught.value.reason == reason
    assert_counted_once(engine, reason)
    assert_nothing_there(engine)


@pytest.mark.parametrize(("bad", "reason"), [case[:2] for case in BAD_SYMBOLS])
def test_bad_symbol_cannot_be_registered(engine, bad, reason):
    with pytest.raises(InvalidUpdateError, match=re.escape(WHAT_TO_DO[reason])) as caught:
        engine.register(bad["symbol"])
    assert caught.value.reason == reason
    assert "()" not in str(caught.value)
    assert_nothing_there(engine)


def test_counted_errors_are_logged_at_most_once_a_second_a_reason(make_engine, caplog, monkeypatch):
    engine = make_engine(on_bad="count")
    now_s = [1_000.0]
    monkeypatch.setattr(log._throttle, "_clock", lambda: now_s[0])
    for _ in range(50):
        trade(engine, price=NAN)
        trade(engine, volume=-1.0)
    assert [re.search(r"\((\w+)\)", message)[1] for message in caplog.messages] == ["price_not_finite", "volume"]
    now_s[0] += 1.0
    trade(engine, price=NAN)
    assert len(caplog.messages) == 3
    assert "49 more" in caplog.messages[2]
    assert engine.metrics().errors_by_reason == {"price_not_finite": 51, "volume": 50}


def test_reasons_are_counted_apart(make_engine):
    engine = make_engine(on_bad="count")
    for bad, count in (({"price": NAN}, 3), ({"price": -1.0}, 2), ({"timestamp_ns": 1}, 4)):
        for _ in range(count):
            trade(engine, **bad)
    trade(engine)
    m = engine.metrics()
    assert m.errors_by_reason == {"price_not_finite": 3, "price_not_positive": 2, "time_unit": 4}
    assert (m.messages_received, m.messages_processed, m.errors, m.error_rate) == (10, 1, 9, 0.9)


def test_refused_update_does_not_hinder_the_next_one(engine):
    with pytest.raises(InvalidUpdateError):
        trade(engine, price=NAN)
    assert trade(engine, price=2.0)
    assert engine.price("A") == 2.0


@pytest.fixture
def full(make_engine):
    engine = make_engine()
    engine.register([f"S{i}" for i in range(1_024)])
    engine.reset_stats()
    return engine


@pytest.mark.parametrize("call", [trade, quote])
def test_new_symbol_without_a_place_is_refused_and_counted(full, call):
    before = sequence_of(full)
    with pytest.raises(SymbolTableFullError, match="larger max_symbols") as caught:
        call(full)
    assert isinstance(caught.value, InvalidUpdateError)
    assert caught.value.reason == "symbol_table_full"
    assert_counted_once(full, "symbol_table_full")
    assert (len(full), "A" in full, sequence_of(full)) == (1_024, False, before)


def test_full_table_still_takes_updates_of_its_symbols(full):
    assert full.update("S1023", 1.0)
    assert full.update_many(["S0", "A", "S5"], [1.0, 2.0, 3.0]) == 2
    assert full.metrics().errors_by_reason == {"symbol_table_full": 1}


def test_full_table_refuses_a_registration(full):
    with pytest.raises(SymbolTableFullError, match="'A'"):
        full.register("A")
    assert len(full) == 1_024


def test_table_that_fills_up_is_warned_of_once_at_80_percent(engine, caplog):
    for i in range(819):
        engine.update(f"S{i}", 1.0)
    assert caplog.messages == []
    for i in range(819, 1_024):
        engine.update(f"S{i}", 1.0)
    assert len(caplog.messages) == 1
    assert "820 of 1,024" in caplog.messages[0]
    assert "max_symbols" in caplog.messages[0]


def test_error_in_the_handler_of_that_warning_does_not_stop_the_stream(engine):
    def interrupt(record):
        raise KeyboardInterrupt

    engine.register([f"S{i}" for i in range(820)])
    logging.getLogger("pricecore").addFilter(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.update("S820", 1.0)
    finally:
        logging.getLogger("pricecore").removeFilter(interrupt)
    for _ in range(2_000):  # a ticket kept back would stop the second lap for ever
        assert engine.update("S0", 1.0)


@pytest.mark.parametrize("update", [trade, quote])
def test_limit_of_the_future_is_the_option(make_engine, update):
    engine = make_engine(max_future_s=3_600.0)
    assert update(engine, timestamp_ns=time.time_ns() + 3_500 * 10**9)
    with pytest.raises(InvalidUpdateError, match="further ahead of our clock"):
        update(engine, timestamp_ns=time.time_ns() + 3_700 * 10**9)


def test_refusal_comes_before_the_order_check(engine):
    timestamp_ns = 1_723_075_200_000_000_000
    trade(engine, timestamp_ns=timestamp_ns)
    with pytest.raises(InvalidUpdateError):
        trade(engine, price=NAN, timestamp_ns=timestamp_ns - 1)
    assert engine.metrics().out_of_order == 0
