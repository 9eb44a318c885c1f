"""Formats made of a mapping: how it is written, and JSON messages read by it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore import PriceEngine
from pricecore.feeds import Feed, FormatError, csv_format, formats, ndjson_format, register
from pricecore.feeds.mapping import Field, fields, parse_map

TIME_MS = 1723161255342


@pytest.fixture
def engine():
    with PriceEngine() as engine:
        yield engine


@pytest.fixture(autouse=True)
def own_formats(monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))


def feed_of(engine, **mapped):
    register(ndjson_format("mine", **mapped))
    return Feed(engine, "mine")


def test_a_map_is_read():
    texts = parse_map("symbol=s, price=p:/100,time=T:ms,change=c:fraction,bid=data.b")
    assert fields(texts) == {
        "symbol": Field("s"),
        "price": Field("p", 100.0),
        "time": Field("T", 1.0, "ms"),
        "change": Field("c", 0.01),
        "bid": Field("data.b"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not ROLE=FIELD"),
        ("price", "'price' is not ROLE=FIELD"),
        ("price=", "is not ROLE=FIELD"),
        ("price=p,price=q", "is mapped twice"),
        ("cost=p", "'cost' cannot be mapped; known are symbol, price"),
        ("symbol=s", "no price: map at least one of price, bid, ask"),
        ("price=p,time=t:h", "unknown unit 'h' of time; known are s, ms"),
        ("price=p,change=c:bp", "unknown unit 'bp' of change; known are percent, fraction"),
        ("price=p:100", "a scale is written /10000"),
        ("price=p:/0", "a scale is written /10000"),
        ("price=p:/x", "a scale is written /10000"),
        ("price=:/10", "names no field"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused_with_what_to_write(text, message):
    with pytest.raises(FormatError) as caught:
        parse_map(text)
    assert message in str(caught.value)


def test_messages_with_mapped_fields_are_updates(engine):
    feed = feed_of(engine, symbol="s", price="p:/100", volume="v", time="T:ms", change="c:fraction")
    assert feed.feed(f'{{"s":"A","p":"4818","v":7,"T":{TIME_MS},"c":-0.025,"more":[1]}}') == 1
    stored = engine.get("A")
    assert (stored.price, stored.volume, stored.timestamp_ns) == (48.18, 7.0, TIME_MS * 10**6)
    assert stored.change_24h == pytest.approx(-2.5)


def test_fields_may_lie_inside_others_and_have_any_name(engine):
    feed = feed_of(engine, symbol="meta.the symbol", price="data.last-price.1", time="data.at")
    message = '{"meta":{"the symbol":"A"},"data":{"last-price":{"1":1.5},"at":"2024-08-08T23:54:15.342Z"}}'
    assert feed.feed(message) == 1
    assert engine.get("A").timestamp_ns == TIME_MS * 10**6


@pytest.mark.parametrize(
    "mapped",
    [
        {"symbol": "a", "price": "a.b"},
        {"symbol": "a.b", "price": "a"},
        {"symbol": "s", "price": "a.b.c", "time": "a"},
    ],
)
def test_a_field_and_one_inside_it_cannot_both_be_mapped(mapped):
    with pytest.raises(FormatError, match=r"'a' is mapped and so is 'a\.b"):
        ndjson_format("q", **mapped)


def test_sides_become_a_quote_and_a_side_of_zero_is_absent(engine):
    feed = feed_of(engine, symbol="s", bid="b", ask="a", bid_size="B", ask_size="A")
    assert feed.feed('{"s":"A","b":"1.5","B":"3","a":0,"A":9}') == 1
    quote = engine.quote("A")
    assert (quote.bid, quote.bid_size, quote.ask_size) == (1.5, 3.0, 0.0)
    assert math.isnan(quote.ask)


def test_a_list_of_messages_is_taken_row_by_row(engine):
    feed = feed_of(engine, symbol="s", price="p")
    assert feed.feed('[{"s":"A","p":1},{"s":"B","p":2},{"s":"C"}]') == 2
    assert (engine.price("A"), engine.price("B")) == (1.0, 2.0)


@pytest.mark.parametrize(
    "message", ["{}", '{"s":"A"}', '{"s":"A","p":null}', '{"s":"A","p":""}', "[]", "17", '"x"', " "]
)
def test_a_message_without_a_price_is_ignored(engine, message):
    feed = feed_of(engine, symbol="s", price="p")
    assert feed.feed(message) == 0
    assert (feed.counts.ignored, feed.counts.malformed) == (1, 0)


@pytest.mark.parametrize(
    "message",
    ["{", '{"s":"A","p":"one"}', '{"p":1}', '{"s":"A","p":[1]}', '{"s":"A","p":1,"t":"noon"}', '{"s":"A","p":"1_0"}'],
)
def test_a_message_that_cannot_be_read_is_malformed(engine, message):
    feed = feed_of(engine, symbol="s", price="p", time="t")
    assert feed.feed(message) == 0
    assert feed.counts.malformed == 1, feed.counts


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("sptx"), inner),
    )
)
def test_no_content_gets_out_of_a_feed_as_an_error(content):
    import json

    with PriceEngine() as engine:
        formats.FORMATS.pop("any", None)
        register(ndjson_format("any", symbol="s.t", price="p", time="t"))
        feed = Feed(engine, "any")
        feed.feed(json.dumps(content))
        counts = feed.counts
        assert counts.received == counts.priced + counts.ignored + counts.malformed == 1


def test_rows_of_a_table_without_a_header_can_be_fed(engine):
    register(csv_format("ticks", ["who", "px"], symbol="who", price="px:/100"))
    feed = Feed(engine, "ticks")
    assert [feed.feed(row) for row in ("A,150", "A", "B,250\n", "")] == [1, 0, 1, 0]
    assert (engine.price("A"), engine.price("B")) == (1.5, 2.5)
    assert (feed.counts.malformed, feed.counts.ignored) == (1, 1)


def test_a_table_with_a_header_is_no_feed(engine):
    register(csv_format("ticks", symbol="who", price="px"))
    with pytest.raises(FormatError, match="the lines of 'ticks' are not messages"):
        Feed(engine, "ticks")


def test_a_format_needs_a_new_name_and_a_decoder():
    with pytest.raises(FormatError, match="there is a format 'csv' already"):
        register(csv_format("csv", symbol="who", price="px"))
    with pytest.raises(TypeError, match="needs a decoder"):
        register("mine")
