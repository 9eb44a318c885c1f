"""Connected is not receiving: a stall is told of and ends, and a quiet market is no stall."""

import threading
import time

import pytest
from helpers.replay_server import Close, Messages, Repeat, ReplayServer, Stall
from helpers.venue_day import ACK, capture
from helpers.waiting import PATIENCE_S, until

from pricecore.feeds import Feed

TICKS = capture()
LIMIT_S = 0.2


class TimedFeed(Feed):
    """Knows the longest time without a message, from its making on: never less than what the feed or a recipe saw."""

    def __init__(self, *arguments, **options):
        self.longest_s = 0.0
        self.before_s = time.monotonic()
        super().__init__(*arguments, **options)

    def feed(self, data, received_ns=0):
        started_s, self.before_s = self.before_s, time.monotonic()
        stored = super().feed(data, received_ns)
        self.longest_s = max(self.longest_s, time.monotonic() - started_s)
        return stored

    def was_silent(self, limit_s):
        """Tell whether a machine that stops now and then gave reason for an alarm."""
        return max(self.longest_s, time.monotonic() - self.before_s) > limit_s


class Alarms(list):
    """What `on_stale` was told, and a way to wait for the next."""

    def __init__(self):
        self.rung = threading.Event()

    def __call__(self, symbols):
        self.append(symbols)
        self.rung.set()

    def symbols(self):
        return {symbol for symbols in self for symbol in symbols}


@pytest.fixture
def alarms():
    return Alarms()


def test_a_stall_is_told_of_while_connected_and_ends_with_the_next_messages(follow, engine, alarms):
    told, recovered = threading.Event(), threading.Event()
    script = [Messages(TICKS[:200]), Stall(told), Repeat(TICKS[200], recovered), Messages(TICKS[201:]), Close()]
    with (
        ReplayServer(script) as server,
        Feed(engine, "binance", "X:", stale_after_s=LIMIT_S, on_stale=alarms) as feed,
        follow(server.url, feed),
    ):
        until(lambda: {"X:BTCUSDT", "X:ETHUSDT"} <= alarms.symbols())
        assert len(server.lines) == 1
        told.set()
        until(lambda: feed.stale_symbols() == [])
        recovered.set()
        server.wait()
        assert feed.counts.received == len(server.lines[0].sent)


def test_a_venue_that_accepts_and_sends_nothing_is_told_of(follow, engine, alarms):
    told = threading.Event()
    with (
        ReplayServer([Stall(told), Messages(TICKS), Close()]) as server,
        Feed(engine, "binance", stale_after_s=LIMIT_S, on_stale=alarms) as feed,
        follow(server.url, feed),
    ):
        assert alarms.rung.wait(PATIENCE_S)
        assert (alarms[0], feed.received) == ([], 0)
        told.set()
        server.wait()
        assert feed.counts.received == len(TICKS)


def test_a_quiet_market_with_heartbeats_is_no_stall(follow, engine, alarms):
    quiet_enough = threading.Event()
    with (
        ReplayServer([Messages(TICKS), Repeat(ACK, quiet_enough), Close()]) as server,
        TimedFeed(engine, "binance", stale_after_s=LIMIT_S, on_stale=alarms) as feed,
        follow(server.url, feed),
    ):
        until(lambda: len(engine.stale_symbols(2 * LIMIT_S)) == 2)
        quiet_enough.set()
        server.wait()
        assert not alarms or feed.was_silent(LIMIT_S)


def test_a_connection_that_brings_nothing_is_made_anew(follow, engine, monkeypatch):
    monkeypatch.setattr(follow.recipe, "SILENCE_S", 0.1)
    never = threading.Event()
    with (
        ReplayServer([Stall(never)], may_leave=True) as server,
        Feed(engine, "binance") as feed,
        follow(server.url, feed),
    ):
        server.wait()
    assert (feed.received, feed.counts.reconnects) == (0, 0)


def test_a_connection_that_brings_heartbeats_stays(follow, engine, monkeypatch):
    monkeypatch.setattr(follow.recipe, "SILENCE_S", LIMIT_S)
    enough = threading.Event()
    with (
        ReplayServer([Repeat(ACK, enough), Close()], may_leave=True) as server,
        TimedFeed(engine, "binance") as feed,
        follow(server.url, feed),
    ):
        enough.wait(3 * LIMIT_S)
        stayed = len(server.lines) <= 1
        assert stayed or feed.was_silent(LIMIT_S)
        enough.set()
        server.wait()
    assert feed.received == len(server.lines[0].sent) or feed.was_silent(LIMIT_S)
