"""Every recipe that follows a url, against every fault: what was sent is what was counted, exactly."""

import gzip
import threading

import pytest
from helpers.replay_server import Binary, Close, Drop, InPieces, Messages, Refuse, ReplayServer, Stall
from helpers.venue_day import ACK, GARBAGE, capture, last_quotes, last_trades
from helpers.waiting import until

from pricecore import EngineClosedError, PriceEngine
from pricecore.feeds import Feed

TICKS = capture()


def counts_without_a_network(lines):
    """Return the counts of a feed that gets the messages of these connections straight from here."""
    with PriceEngine() as engine, Feed(engine, "binance") as feed:
        for line in lines:
            if feed.received:
                feed.reconnected()
            for message in line.sent:
                feed.feed(message)
        return feed.counts


def play(follow, engine, *script):
    """Run a recipe through a script; return the counts of its feed and all that was sent."""
    with ReplayServer(*script) as server, Feed(engine, "binance") as feed:
        with follow(server.url, feed):
            server.wait()
        assert feed.counts == counts_without_a_network(server.lines)
    sent = [message for line in server.lines for message in line.sent]
    assert feed.counts.received == len(sent)
    assert {symbol: engine.price(symbol) for symbol in last_trades(sent)} == last_trades(sent)
    assert {s: (engine.quote(s).bid, engine.quote(s).ask) for s in last_quotes(sent)} == last_quotes(sent)
    return feed.counts, server


def test_a_whole_capture_is_counted_message_by_message(follow, engine):
    counts, _ = play(follow, engine, [Messages(TICKS), Close()])
    assert (counts.received, counts.trades, counts.quotes, counts.ignored) == (942, 90, 712, 140)
    assert (counts.malformed, counts.gaps, counts.missing, counts.reconnects) == (0, 1, 0, 1)


ENDS = {
    "dropped": Drop(),
    "closed": Close(),
    "restart": Close(1012),
    "dropped_in_a_message": Drop(half=TICKS[150][:50]),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_connection_that_ends_in_mid_stream_is_made_anew_and_nothing_is_lost(follow, engine, end):
    counts, _ = play(follow, engine, [Messages(TICKS[:150]), end], [Messages(TICKS[150:300]), Close()])
    assert (counts.received, counts.malformed, counts.reconnects) == (300, 0, 2)
    assert (counts.gaps, counts.missing, counts.duplicates, counts.out_of_order) == (2, 0, 0, 0)


def test_trades_left_out_between_two_connections_are_no_missing_numbers(follow, engine):
    counts, _ = play(follow, engine, [Messages(TICKS[:200]), Drop()], [Messages(TICKS[500:700]), Close()])
    assert (counts.received, counts.reconnects, counts.gaps, counts.missing) == (400, 2, 2, 0)


def test_trades_left_out_on_one_connection_are_missing(follow, engine):
    counts, _ = play(follow, engine, [Messages(TICKS[:200] + TICKS[500:700]), Close()])
    assert counts.missing > 0
    assert counts.gaps > counts.reconnects == 1


def test_garbage_is_counted_and_the_connection_goes_on(follow, engine):
    packed = Binary(gzip.compress(TICKS[0]))
    script = [Messages(TICKS[:99]), Messages(GARBAGE), packed, Binary(b"\xff\x00"), Messages(TICKS[99:200]), Close()]
    counts, _ = play(follow, engine, script)
    assert (counts.received, counts.malformed, counts.reconnects) == (207, 6, 1)
    assert counts.last_malformed


def test_a_tick_in_a_binary_frame_is_a_tick(follow, engine):
    counts, _ = play(follow, engine, [Binary(TICKS[0]), Close()])
    assert (counts.received, counts.quotes) == (1, 1)


def test_a_message_in_several_frames_is_one_message(follow, engine):
    counts, _ = play(follow, engine, [Messages(TICKS[:2]), InPieces(TICKS[2]), Messages(TICKS[3:5]), Close()])
    assert (counts.received, counts.malformed) == (5, 0)


def test_a_venue_that_refuses_is_tried_again_and_that_is_no_reconnection(follow, engine):
    counts, server = play(follow, engine, Refuse(), Refuse(429), Refuse(None), [Messages([ACK, *TICKS[:50]]), Close()])
    assert (counts.received, counts.malformed, counts.reconnects) == (51, 0, 1)
    assert server.subscriptions == ['{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}'] * 2


def test_a_venue_that_sends_the_last_trades_again_is_counted_out_of_order(follow, engine):
    counts, _ = play(follow, engine, [Messages(TICKS[600:700]), Drop()], [Messages(TICKS[600:800]), Close()])
    assert counts.received == 300
    assert counts.out_of_order > 0


def test_ten_connections_in_a_row(follow, engine):
    script = [[Messages(TICKS[30 * n : 30 * n + 30]), (Drop(), Close())[n % 2]] for n in range(10)]
    counts, _ = play(follow, engine, *script)
    assert (counts.received, counts.reconnects, counts.gaps, counts.missing) == (300, 10, 10, 0)


def test_it_says_goodbye_when_it_is_stopped(follow, engine):
    _, server = play(follow, engine, [Messages(TICKS[:10]), Close()])
    assert server.goodbyes == [1000]


def test_states_are_logged(follow, engine, caplog):
    caplog.set_level("INFO", logger="feed")
    play(follow, engine, Refuse(), [Messages(TICKS[:10]), Drop()])
    said = [record.getMessage().split()[0] for record in caplog.records if record.name == "feed"]
    assert said == ["not", "connected", "not", "connected"]


def test_a_closed_engine_ends_it_with_the_error(follow, engine):
    closed, never = threading.Event(), threading.Event()
    script = [Messages(TICKS[:10]), Stall(closed), Messages(TICKS[10:11]), Stall(never)]
    with ReplayServer(script) as server, Feed(engine, "binance") as feed:
        one = follow.start(server.url, feed)
        until(lambda: feed.received == 10)
        engine.close()
        closed.set()
        with pytest.raises(EngineClosedError):
            one.join()
