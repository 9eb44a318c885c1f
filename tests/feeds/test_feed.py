"""`Feed`: every message is accounted for, nothing that it holds raises, and it says what it could not use."""

import gzip
import json
import tracemalloc

import pytest
from helpers.market_data import DATA, needs_data
from hypothesis import given
from hypothesis import strategies as st

from pricecore import EngineClosedError, PriceEngine
from pricecore.feeds import Feed, FormatError, formats, register
from pricecore.feeds.capture import Capture, timed_messages

TRADE = b'{"e":"trade","s":"BTCUSDT","t":%d,"p":"%s","q":"0.5","T":%d}'
TIME_MS = 1723161255342


def trade(number=1, price="61837.63", time_ms=TIME_MS):
    return TRADE % (number, price.encode(), time_ms)


@pytest.fixture(params=["raise", "count"])
def engine(request):
    with PriceEngine(on_bad=request.param) as engine:
        yield engine


@pytest.fixture
def feed(engine):
    with Feed(engine, "binance", prefix="BINANCE:") as feed:
        yield feed


def test_a_price_is_stored_under_the_prefix_and_the_updates_are_returned(engine, feed):
    assert feed.feed(trade()) == 1
    assert engine.price("BINANCE:BTCUSDT") == 61837.63
    assert feed.counts.stored == feed.counts.priced == feed.counts.trades == 1


@pytest.mark.parametrize(
    "form", [bytes, bytearray, memoryview, bytes.decode, lambda text: memoryview(text + b"x")[:-1]]
)
def test_a_message_may_come_in_any_form(engine, feed, form):
    assert feed.feed(form(trade())) == 1


@pytest.mark.parametrize("data", [None, 5, [trade()], {"e": "trade"}])
def test_what_is_no_message_at_all_is_a_type_error_and_not_counted(feed, data):
    with pytest.raises(TypeError, match="a message must be bytes, bytearray, memoryview or str"):
        feed.feed(data)
    assert feed.counts.received == 0


def test_every_message_is_priced_ignored_or_malformed(feed):
    messages = [trade(), b'{"result":null,"id":1}', b"", b"{", b"\xff", "\ud800", trade(2), gzip.compress(trade())]
    for message in messages:
        feed.feed(message)
    counts = feed.counts
    assert (counts.received, counts.priced, counts.ignored, counts.malformed) == (8, 2, 2, 4)


def test_a_refused_update_is_counted_by_its_reason_and_shown(engine, feed):
    assert feed.feed(trade(1, "-1")) == feed.feed(trade(2, "0")) == feed.feed(trade(3, "nan")) == 0
    assert feed.feed(trade(4, time_ms=4 * 10**12)) == 0
    counts = feed.counts
    assert counts.refused == {"price_not_positive": 2, "price_not_finite": 1, "future": 1}
    assert "'BINANCE:BTCUSDT'" in counts.last_refused
    assert (counts.priced, counts.stored, counts.malformed) == (4, 0, 0)
    assert engine.metrics().errors_by_reason == counts.refused


def test_an_older_update_is_out_of_order(engine, feed):
    feed.feed(trade(1))
    assert feed.feed(trade(2, time_ms=TIME_MS - 1)) == 0
    assert feed.counts.out_of_order == engine.metrics().out_of_order == 1


def test_a_malformed_message_is_shown_cut_with_the_error(feed):
    feed.feed(b"nonsense \xff" + b"x" * 1000)
    shown = feed.counts.last_malformed
    assert "nonsense \\xff" in shown
    assert len(shown) < 600


def test_a_closed_engine_raises(engine, feed):
    engine.close()
    with pytest.raises(EngineClosedError):
        feed.feed(trade())
    feed.feed(b'{"id":1}')
    counts = feed.counts
    assert (counts.received, counts.priced, counts.ignored, counts.malformed) == (1, 0, 1, 0)


def test_numbers_left_out_and_repeated_are_counted_and_a_reconnection_is_a_gap(feed):
    for number in (5, 6, 9, 9):
        assert feed.feed(trade(number)) == 1
    counts = feed.counts
    assert (counts.gaps, counts.missing, counts.duplicates, counts.reconnects) == (1, 2, 1, 0)
    feed.reconnected()
    feed.feed(trade(1))
    counts = feed.counts
    assert (counts.gaps, counts.missing, counts.duplicates, counts.reconnects) == (2, 2, 1, 1)


def test_the_age_is_that_of_the_newest_message_of_any_kind(engine, feed):
    assert feed.last_message_age_s == float("inf")
    feed.feed(b'{"id":1}')
    assert 0.0 <= feed.last_message_age_s < 60.0
    feed.feed(b'{"id":1}', received_ns=1_000_000_000_000_000_000)
    assert feed.last_message_age_s > 10**8
    feed.feed(b'{"id":1}', received_ns=9_000_000_000_000_000_000)  # ahead of our clock
    assert 0.0 <= feed.last_message_age_s < 60.0


@pytest.mark.parametrize("received_ns", [2**63, 10**30, -1, -(2**63) - 1])
def test_a_receive_time_that_is_no_time_is_now(feed, received_ns):
    assert feed.feed(trade(), received_ns) == 1
    assert 0.0 <= feed.last_message_age_s < 60.0


@pytest.mark.parametrize("received_ns", [1.5, "5", None])
def test_a_receive_time_that_is_no_int_is_a_type_error_and_not_counted(feed, received_ns):
    with pytest.raises(TypeError):
        feed.feed(trade(), received_ns)
    assert feed.counts.received == feed.counts.stored == 0


@pytest.mark.parametrize("name", ["nonesuch", "csv"])
def test_a_format_without_messages_is_refused(engine, name):
    with pytest.raises(FormatError, match="binance"):
        Feed(engine, name)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"prefix": 5}, TypeError), ({"stale_after_s": 0}, ValueError), ({"on_stale": print}, ValueError)],
)
def test_wrong_options_are_refused(engine, options, error):
    with pytest.raises(error):
        Feed(engine, "binance", **options)


def test_something_else_than_an_engine_is_refused():
    with pytest.raises(TypeError, match="engine must be a PriceEngine"):
        Feed({}, "binance")


def test_a_registered_decoder_is_fed_and_its_own_errors_are_counted(engine, monkeypatch):
    def decoder(sink):
        def decode(message):
            symbol, price = message.decode().split()
            if symbol == "X":
                raise KeyError(symbol)
            return sink.trade(symbol, float(price))

        return decode

    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    register("mine", decoder, lambda message: message.startswith(b"A "))
    with pytest.raises(FormatError, match="there is a format 'mine' already"):
        register("mine", decoder)
    feed = Feed(engine, "mine")
    assert [feed.feed(message) for message in ("A 1.5", "A", "X 1", b"A 2.5")] == [1, 0, 0, 1]
    assert (engine.price("A"), feed.counts.malformed) == (2.5, 2)
    assert formats.FORMATS["mine"].recognises(b"A 1.5")


def no_decoder(sink):
    return lambda message: 0


@pytest.mark.parametrize(
    ("arguments", "error", "shown"),
    [
        ((5, no_decoder), TypeError, "must be a str, not 5"),
        (("", no_decoder), ValueError, "is ''; it must not be empty"),
        (("x", 5), TypeError, "decoder must be callable, not 5"),
        (("x", no_decoder, 0), TypeError, "recognises must be callable, not 0"),
        ((formats.Format(b"x", len),), TypeError, "must be a str, not b'x'"),
        ((formats.Format("x", None),), TypeError, "recognises must be callable, not None"),
        ((formats.Format("x", len, "y"),), TypeError, "decoder must be callable, not 'y'"),
    ],
)
def test_a_format_that_could_not_be_used_is_refused_when_it_is_registered(arguments, error, shown):
    before = dict(formats.FORMATS)
    with pytest.raises(error, match=shown):
        register(*arguments)
    assert before == formats.FORMATS


@given(
    st.sampled_from(["binance", "bybit", "coinbase", "kraken", "okx"]), st.lists(st.binary() | st.text(), max_size=5)
)
def test_no_content_raises(name, messages):
    with PriceEngine() as engine:
        feed = Feed(engine, name)
        for message in messages:
            feed.feed(message)
        assert feed.counts.received == len(messages)


def test_garbage_without_end_takes_no_memory(engine, feed):
    garbage = [bytes(range(256)) * 4096, b"[" * (1 << 20), b'{"a":' * (1 << 18), b"x" * (1 << 20)]
    for message in garbage:
        feed.feed(message)
    tracemalloc.start()
    for _ in range(25):
        for message in garbage:
            feed.feed(message)
    left_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert feed.counts.malformed == 104
    assert left_bytes < 1 << 16


def test_a_flood_of_symbols_that_are_refused_registers_none(engine, feed):
    for number in range(1000):
        feed.feed(trade(number, "0").replace(b"BTCUSDT", b"S%d" % number))
    assert len(engine) == 0
    assert feed.counts.refused == {"price_not_positive": 1000}


def test_symbols_beyond_the_engines_table_are_refused(caplog):
    with PriceEngine(max_symbols=1024) as engine, Feed(engine, "binance") as feed:
        for number in range(1100):
            feed.feed(trade(1).replace(b"BTCUSDT", b"S%d" % number))
        assert (feed.counts.stored, feed.counts.refused) == (1024, {"symbol_table_full": 76})


def test_symbols_too_long_for_the_engine_are_not_kept(engine, feed):
    for number in range(50):
        feed.feed(trade(number).replace(b"BTCUSDT", b"S%d" % number))
    tracemalloc.start()
    for number in range(200):
        feed.feed(trade(number).replace(b"BTCUSDT", b"x" * 100_000 + b"%d" % number))
    left_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert feed.counts.refused == {"symbol_too_long": 200}
    assert left_bytes < 1 << 16


CAPTURES = {
    "BINANCE_DELIVERY.ws.1.0": ("binance", 2_291),
    "COINBASE.ws.28.0": ("coinbase", 214),
    "KRAKEN.ws.49.0": ("kraken", 18),
    "BYBIT.ws.26.0": ("bybit", 150),
    "OKX.ws.1.0": ("okx", 102),
}


@needs_data(*(DATA / "cryptofeed" / f"{name}.gz" for name in CAPTURES))
@pytest.mark.parametrize("name", CAPTURES)
def test_a_real_capture_through_a_feed_gives_exact_counts(engine, name):
    venue, prices = CAPTURES[name]
    capture = Capture(DATA / "cryptofeed" / f"{name}.gz")
    feed = Feed(engine, venue)
    stored = sum(feed.feed(message, time_ns) for time_ns, _, message in timed_messages(capture.lines(), 0))
    capture.close()
    counts = feed.counts
    assert counts.trades + counts.quotes == prices
    assert counts.stored == stored == prices - counts.out_of_order
    assert (counts.malformed, counts.refused, counts.gaps, counts.duplicates) == (0, {}, 0, 0)


@needs_data(DATA / "odd" / "control_messages.jsonl")
@pytest.mark.parametrize("venue", ["binance", "bybit", "coinbase", "kraken", "okx"])
def test_control_messages_are_ignored(engine, venue):
    feed = Feed(engine, venue)
    for line in (DATA / "odd" / "control_messages.jsonl").read_text().splitlines():
        assert feed.feed(json.loads(line)["raw"]) == 0
    assert feed.counts.ignored == feed.counts.received > 20
