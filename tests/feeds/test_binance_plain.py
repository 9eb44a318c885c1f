"""The two ways through the Binance decoder, in C and by msgspec, come to the same end on any message."""

import pytest
from helpers.prices import Recorder
from hypothesis import example, given
from hypothesis import strategies as st

from pricecore.feeds.binance import BinanceDecoder
from pricecore.feeds.sink import MALFORMED, Sink

EVENTS = [
    b'{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000",'
    b'"T":1723161255342,"m":true,"M":true}',
    b'{"e":"aggTrade","E":1626916403920,"a":8,"s":"BCHUSD_PERP","p":"427.91","q":"5","f":1,"l":1,"T":1626916403911,'
    b'"m":false}',
    b'{"u":35346513501,"s":"ETHUSDT","b":"2683.80000000","B":"3.02920000","a":"2683.81000000","A":"31.43950000"}',
    b'{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","ps":"BTCUSD","b":"61800.20","B":"2.507","a":"61800.30",'
    b'"A":"2.510","T":1723161256313,"E":1723161256399}',
]
MESSAGES = EVENTS + [b'{"stream":"x","data":%s}' % event for event in EVENTS]
PIECES = [
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b" ", b"\\", b"\x00", b"\xff", b"\xc3\xa9", b"-", b"0", b"1e5", b"."),
    *(b"null", b"true", b'""', b'"1"', b"9" * 17, b"9" * 40, b'"0.1"', b'"01"', b'"0"', b'"-1"', b'"NaN"'),
    *(b'"e":"trade",', b'"s":"X",', b'"p":"1",', b'"t":0,', b'"T":1,', b'"a":[],', b'"data":{},', b'"data":null,'),
]


def outcome(message, way):
    recorder = Recorder()
    sink = Sink(recorder)
    decoder = BinanceDecoder(sink)
    try:
        prices = getattr(decoder, way)(message)
    except MALFORMED:
        prices = "malformed"
    numbers = [(series.gaps, series.duplicates) for series in sink.series]
    return repr((prices, recorder.trades, recorder.quotes, sink.trades, sink.quotes, numbers))


@pytest.mark.parametrize("message", MESSAGES)
def test_price_messages_come_to_the_same(message):
    assert outcome(message, "decode") == outcome(message, "decode_any")
    assert outcome(message, "decode").startswith("(1,")


@pytest.mark.parametrize("letter", "esEpqTtbBaAcQP")
@pytest.mark.parametrize("event", EVENTS)
def test_every_field_that_msgspec_types_is_looked_at_in_every_kind(event, letter):
    odd = b'{"%s":[{}],' % letter.encode()
    assert outcome(odd + event[1:], "decode") == outcome(odd + event[1:], "decode_any")
    odd = b'{"%s":true,' % letter.encode()
    assert outcome(odd + event[1:], "decode") == outcome(odd + event[1:], "decode_any")


@pytest.mark.parametrize("end", [b"", b"]", b"}}", b"},", b"} ", b"}x", b',"x":1}', b"\x00", b"}\x00"])
@pytest.mark.parametrize(
    "head", [b'{"stream":"x","data":', b'{"stream":"x", "data":', b'{"stream":5,"data":', b'{"stream":"x"']
)
def test_an_envelope_that_ends_or_begins_otherwise_comes_to_the_same(head, end):
    for event in EVENTS:
        assert outcome(head + event + end, "decode") == outcome(head + event + end, "decode_any")


@given(st.sampled_from(MESSAGES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 12), st.sampled_from(PIECES))))
@example(EVENTS[0], [(0, 0, b"\xef\xbb\xbf")])
def test_damaged_messages_come_to_the_same(message, damages):
    for at, length, piece in damages:
        message = message[:at] + piece + message[at + length :]
    assert outcome(message, "decode") == outcome(message, "decode_any")


@given(st.sampled_from(MESSAGES), st.sampled_from(PIECES), st.data())
def test_any_value_in_any_place_comes_to_the_same(message, piece, data):
    colons = [i for i, byte in enumerate(message) if byte == ord(":")]
    start = data.draw(st.sampled_from(colons)) + 1
    end = min(message.find(b",", start) % len(message), message.find(b"}", start) % len(message))
    message = message[:start] + piece + message[end:]
    assert outcome(message, "decode") == outcome(message, "decode_any")


def test_numbers_are_checked_whichever_way_a_message_goes():
    sink = Sink(Recorder())
    decoder = BinanceDecoder(sink)
    for way, number in (("decode", 5), ("decode_any", 6), ("decode", 9), ("decode_any", 9)):
        getattr(decoder, way)(b'{"e":"trade","s":"A","t":%d,"p":"1","q":"1","T":1723161255342}' % number)
    assert [(series.gaps, series.missing, series.duplicates) for series in sink.series] == [(1, 2, 1), (0, 0, 0)]
