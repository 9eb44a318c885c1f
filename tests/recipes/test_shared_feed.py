"""The feed process: it writes for others, is stopped, is killed, and has one that stands by."""

import sys
import threading

import pytest
from helpers.processes import started
from helpers.replay_server import Close, Messages, ReplayServer, Stall
from helpers.venue_day import capture, count_priced, last_trades
from helpers.waiting import until

from pricecore import SegmentError, attach

TICKS = capture()


def prices_of(reader):
    return {symbol: update.price for symbol in reader if (update := reader.get(symbol)) is not None}


@pytest.fixture
def feed(recipes_on_the_path, segments, tmp_path):
    """Return a context manager that starts the recipe."""

    def start(venue, name="feed"):
        command = sys.executable, "-W", "error", "shared_feed.py", venue.url, "--name=md", "--subscribe={}"
        return started(*command, folder=recipes_on_the_path, printed=tmp_path / name)

    return start


@pytest.fixture
def view():
    """Return a function that attaches as soon as there is a feed process."""
    views = []

    def attached():
        try:
            views.append(attach("md"))
        except SegmentError:
            return False
        return True

    def wait():
        until(attached)
        return views[0]

    yield wait
    for one in views:
        one.close()


def test_what_it_feeds_is_read_by_others_and_stays_when_it_is_told_to_end(feed, view):
    with ReplayServer([Messages(TICKS), Close()]) as venue, feed(venue) as process:
        venue.wait()
        reader = view()
        assert reader.alive
        assert process.end() == 0, process.text
    assert not reader.alive
    assert prices_of(reader) == last_trades(TICKS)
    assert reader.metrics().messages_received == 802
    assert venue.goodbyes == [1000]
    assert "Traceback" not in process.text


def test_a_second_one_stands_by_and_takes_over_when_the_first_is_killed(feed, view):
    killed = threading.Event()
    script = [Messages(TICKS[:400]), Stall(killed)], [Messages(TICKS[400:]), Close()]
    with ReplayServer(*script, may_leave=True) as venue, feed(venue, "first") as first:
        first.until(lambda: venue.lines and len(venue.lines[0].sent) == 400)
        reader = view()
        first.until(lambda: prices_of(reader) == last_trades(TICKS[:400]))
        with feed(venue, "second") as second:
            second.until_said(f"standing by: [Errno 16] process {first.process.pid} writes this segment")
            assert len(venue.lines) == 1
            first.kill()
            killed.set()
            venue.wait()
            assert (reader.alive, reader.generation) == (True, 2)
            assert prices_of(reader) == last_trades(TICKS)
            # The stream goes on where it was: every trade and quote, and each symbol's name once.
            assert reader.metrics().ring.sequence == count_priced(TICKS) + len(reader) == 804
            assert second.text.count("standing by") == 1


def test_one_that_stands_by_ends_when_it_is_told(feed, segments):
    from pricecore import PriceEngine

    with PriceEngine("md"), ReplayServer() as venue, feed(venue) as process:
        process.until_said("standing by")
        assert process.end() == 0, process.text
        assert (venue.lines, "Traceback" in process.text) == ([], False)
