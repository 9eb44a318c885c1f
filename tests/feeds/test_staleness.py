"""Stale symbols of a feed: silence is told from a quiet market, and a connection is no sign of life."""

import gc
import threading
import time

import pytest

from pricecore import EngineClosedError, PricecoreError, PriceEngine, UnknownSymbolError, WrongProcessError
from pricecore.feeds import Feed, staleness
from pricecore.feeds.staleness import Staleness
from pricecore.metrics.log import ThrottledLogger

TRADE = '{{"e":"trade","s":"{}","p":"1.5","T":1723161255342}}'
HEARTBEAT = b'{"id":1}'
OLD_NS = 10**18  # a receive time of 2001


@pytest.fixture
def engine():
    with PriceEngine() as engine:
        yield engine


@pytest.fixture
def log(caplog, monkeypatch):
    """Return the log, in which nothing is left out because a test before wrote the same."""
    monkeypatch.setattr(staleness, "warn_throttled", ThrottledLogger().warn)
    return caplog


def age(seconds=0.02):
    time.sleep(seconds)


def test_without_a_limit_nothing_is_stale(engine):
    feed = Feed(engine, "binance")
    feed.feed(TRADE.format("A"), OLD_NS)
    assert feed.stale_symbols() == []


def test_all_symbols_of_a_silent_feed_are_stale(engine):
    feed = Feed(engine, "binance", "X:", stale_after_s=0.01)
    feed.feed(TRADE.format("A"))
    feed.feed(TRADE.format("B"))
    age()
    assert feed.stale_symbols() == ["X:A", "X:B"]
    assert set(engine.stale_symbols(0.01)) == {"X:A", "X:B"}


def test_a_symbol_without_trades_is_no_alarm_while_the_feed_receives(engine):
    feed = Feed(engine, "binance", stale_after_s=5.0)
    feed.feed(TRADE.format("A"))
    age()
    feed.feed(HEARTBEAT)
    assert feed.stale_symbols() == []
    feed.feed(HEARTBEAT, OLD_NS)
    assert feed.stale_symbols() == []  # the feed is silent, but the price is not that old


def test_a_refused_symbol_is_not_stale(engine):
    feed = Feed(engine, "binance", stale_after_s=0.001)
    feed.feed(TRADE.format("A").replace("1.5", "-1"))
    age()
    assert feed.stale_symbols() == []


def test_a_mapping_gives_each_symbol_its_own_limit_whatever_else_arrives(engine):
    feed = Feed(engine, "binance", stale_after_s={"A": 0.01, "B": 60.0, "NEVER": 0.01})
    for symbol in "ABC":
        feed.feed(TRADE.format(symbol))
    age()
    feed.feed(HEARTBEAT)
    assert feed.stale_symbols() == ["A", "NEVER"]


def test_each_stale_symbol_is_told_once_until_it_recovers(engine):
    told = []
    feed = Feed(engine, "binance", stale_after_s={"A": 0.01})
    feed._on_stale = told.append  # without the thread
    feed.feed(TRADE.format("A"))
    age()
    assert feed.check_stale() == feed.check_stale() == ["A"]
    assert told == [["A"]]
    feed.feed(TRADE.format("A"))
    feed.check_stale()
    age()
    feed.check_stale()
    assert told == [["A"], ["A"]]


def test_a_feed_that_is_connected_but_receives_nothing_is_told_of(engine):
    told = threading.Event()
    symbols = []
    with Feed(engine, "binance", stale_after_s=0.01, on_stale=lambda stale: (symbols.extend(stale), told.set())):
        assert told.wait(60.0)
    assert symbols == []


@pytest.mark.parametrize("error", [RuntimeError, PricecoreError, EngineClosedError, WrongProcessError])
def test_the_thread_goes_on_after_an_error_of_the_callback(engine, log, error):
    told = threading.Event()

    def on_stale(stale):
        if stale == ["A"]:
            raise error("mine")
        told.set()

    with Feed(engine, "binance", stale_after_s={"A": 0.01, "B": 0.2}, on_stale=on_stale):
        assert told.wait(60.0)
    assert "on_stale of a feed raised" in log.text
    assert f"{error.__name__}: mine" in log.text


def test_an_error_of_the_callback_does_not_get_out_of_a_check(engine, log):
    feed = Feed(engine, "binance", stale_after_s={"A": 0.01})
    feed._on_stale = lambda stale: stale.missing  # without the thread
    age()
    assert feed.check_stale() == ["A"]
    assert "AttributeError" in log.text


def test_the_thread_goes_on_when_a_check_fails_for_another_reason(engine, log, monkeypatch):
    told = threading.Event()
    failures = [UnknownSymbolError("mine")]

    def symbols(self, symbols, silent_s):
        if failures:
            raise failures.pop()
        return ["A"]

    monkeypatch.setattr(Staleness, "symbols", symbols)
    with Feed(engine, "binance", stale_after_s=0.01, on_stale=lambda stale: told.set()):
        assert told.wait(60.0)
    assert "a feed could not be checked" in log.text


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "pricecore-stale"]


@pytest.mark.parametrize("end", ["close", "drop", "engine"])
def test_the_thread_ends_with_the_feed_or_the_engine(engine, end):
    others = watchers()  # of feeds that an earlier test left to the collector
    feed = Feed(engine, "binance", stale_after_s=0.01, on_stale=lambda stale: None)
    (thread,) = (thread for thread in watchers() if thread not in others)
    if end == "close":
        feed.close()
    elif end == "engine":
        feed.feed(TRADE.format("A"))
        engine.close()
    else:
        del feed
        gc.collect()
    thread.join(60.0)
    assert not thread.is_alive()


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "5", True, {"A": 0}])
def test_a_limit_that_is_no_time_is_refused(engine, limit):
    with pytest.raises(ValueError, match="stale_after_s is"):
        Feed(engine, "binance", stale_after_s=limit)


@pytest.mark.parametrize("key", [5, None, b"A"])
def test_a_limit_of_what_is_no_symbol_is_refused(engine, key):
    with pytest.raises(TypeError, match="stale_after_s has the key"):
        Feed(engine, "binance", stale_after_s={"A": 1.0, key: 1.0})
