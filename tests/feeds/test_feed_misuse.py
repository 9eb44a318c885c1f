"""A feed that is used against its contract errs or counts; it never crashes the process."""

import gc

import pytest
from helpers.threads import run_threads

from pricecore import EngineClosedError, PriceEngine, RingFullError
from pricecore.feeds import Feed, FormatError, Sink, formats, register
from pricecore.feeds.binance import BinanceDecoder
from pricecore.feeds.intake import Intake
from pricecore.feeds.sequences import Series

TRADE = b'{"e":"trade","s":"S%d","t":%d,"p":"1.5","T":1723161255342}'


@pytest.fixture
def engine():
    with PriceEngine() as engine:
        yield engine


@pytest.fixture
def own(engine, monkeypatch):
    """Return a feed whose decoder is the function given."""
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))

    def make(decode):
        register("own", lambda sink: lambda message: decode(sink, message))
        return Feed(engine, "own")

    return make


@pytest.mark.parametrize("kind", [Intake, Feed])
def test_a_feed_that_was_never_initialised_says_so(kind):
    feed = kind.__new__(kind)
    with pytest.raises(RuntimeError, match=f"this {kind.__name__} was never initialised"):
        feed.feed(b"")
    assert feed.last_message_age_s == float("inf")


@pytest.mark.parametrize("kind", [BinanceDecoder, Sink])
def test_parts_are_not_made_without_what_they_need(kind):
    with pytest.raises(TypeError):
        kind.__new__(kind)
    with pytest.raises((TypeError, AttributeError)):
        kind(None)


def test_a_series_made_by_hand_works():
    assert Series.__new__(Series).check("A", 1) == 0


def test_threads_that_feed_at_once_leave_a_working_feed(engine):
    feed = Feed(engine, "binance")

    def several(index):
        for number in range(2000):
            feed.feed(TRADE % (number % 50, number) if number % 5 else b"x%d" % index)
            _ = feed.counts, feed.last_message_age_s

    run_threads(3, several)
    before = feed.counts.stored
    assert feed.feed(TRADE % (1, 10**6)) == 1
    assert feed.counts.stored == before + 1


def test_a_decoder_may_feed_its_own_feed(own):
    feed = own(lambda sink, message: feed.feed(b"inner") if message == b"outer" else sink.trade("A", 1.5))
    assert feed.feed(b"outer") == 1
    assert feed.counts.received == 2


def test_a_decoder_that_feeds_itself_without_end_is_malformed(own):
    feed = own(lambda sink, message: feed.feed(message))
    assert feed.feed(b"again") == 0
    assert 1 <= feed.counts.malformed < feed.counts.received  # how deep it shows depends on the build
    assert "RecursionError" in feed.counts.last_malformed


def test_a_decoder_may_close_or_replace_its_feed(own, engine):
    def decode(sink, message):
        if message == b"close":
            feed.close()
        else:
            feed.__init__(engine, "own")
            gc.collect()
        return sink.trade("A", 1.5)

    feed = own(decode)
    feed.feed(b"close")
    feed.feed(b"replace")
    assert feed.feed(b"close") == 1
    assert engine.price("A") == 1.5


def test_an_engine_closed_by_a_decoder_raises_out_of_feed(own, engine):
    def decode(sink, message):
        engine.close()
        return sink.trade("A", 1.5)

    with pytest.raises(EngineClosedError):
        own(decode).feed(b"")


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError("no text")


@pytest.mark.parametrize("error", [FormatError("x"), RingFullError("x"), StopIteration(), UnprintableError()])
def test_any_other_error_of_a_decoder_is_malformed(own, error):
    def decode(sink, message):
        raise error

    feed = own(decode)
    assert feed.feed(b"") == 0
    assert feed.counts.last_malformed.startswith(type(error).__name__)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_is_not_counted_as_malformed(own, error):
    def decode(sink, message):
        raise error

    feed = own(decode)
    with pytest.raises(error):
        feed.feed(b"")
    assert (feed.counts.received, feed.counts.priced, feed.counts.malformed) == (0, 0, 0)


def test_a_new_symbols_callback_may_decode_and_forget_all_names(engine):
    announced = []

    def on_new(name):
        announced.append(name)
        if len(announced) < 20:
            decode(TRADE % (len(announced), 1))
            sink.names.clear()

    sink = Sink(engine, "", on_new)
    decode = BinanceDecoder(sink).decode
    assert decode(TRADE % (0, 1)) == 1
    assert (sink.trades, len(engine)) == (20, 20)


def test_a_key_that_resets_the_series_it_is_looked_up_in_does_no_harm():
    class Resetting:
        def __hash__(self):
            return 7

        def __eq__(self, other):
            series.reset()
            return False

    series = Series()
    for number in range(20):
        assert series.check(Resetting(), number) == 0


def test_a_feed_goes_on_after_close_and_may_be_closed_twice(engine):
    feed = Feed(engine, "binance")
    feed.close()
    feed.close()
    assert feed.feed(TRADE % (1, 1)) == 1


def test_a_feed_outlives_the_name_of_its_engine():
    engine = PriceEngine(max_symbols=1024)
    feed = Feed(engine, "binance")
    engine.close()
    del engine
    gc.collect()
    with pytest.raises(EngineClosedError):
        feed.feed(TRADE % (1, 1))


def test_a_feed_in_a_cycle_may_feed_while_it_is_collected():
    ends = []

    class Last(Feed):
        def __del__(self):
            ends.append(self.feed(TRADE % (1, 1)))

    feed = Last(PriceEngine(max_symbols=1024), "binance")
    feed.itself = feed
    del feed
    gc.collect()
    assert ends == [1]
