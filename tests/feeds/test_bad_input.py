"""Bad input, kind by kind, through a `Feed`: counted, never an error, and no price that was not there."""

import gzip
import json
import zlib
from math import isnan

import pytest
from helpers.market_data import DATA, needs_data

from pricecore import PriceEngine
from pricecore.feeds import Feed

VENUES = ("binance", "bybit", "coinbase", "kraken", "okx")
TRADES = {
    "binance": '{"e":"trade","s":"A","t":1,"p":%s,"q":%s,"T":1652459224818}',
    "bybit": '{"topic":"publicTrade.A","data":[{"s":"A","p":%s,"v":%s,"T":1652459224818}]}',
    "coinbase": '{"type":"match","product_id":"A","price":%s,"size":%s,"time":"2022-05-13T16:27:04.818Z"}',
    "kraken": '{"channel":"trade","data":[{"symbol":"A","price":%s,"qty":%s,"timestamp":"2022-05-13T16:27:04.818Z"}]}',
    "okx": '{"arg":{"channel":"trades"},"data":[{"instId":"A","px":%s,"sz":%s,"ts":"1652459224818"}]}',
}
TIME_NS = 1652459224818_000_000
CONTROL = DATA / "odd" / "control_messages.jsonl"
FIXTURES = DATA / "odd" / "nautilus_fixtures"


@pytest.fixture
def engine():
    with PriceEngine() as engine:
        yield engine


@pytest.fixture(params=VENUES)
def venue(request):
    return request.param


def fed(engine, venue, *messages):
    feed = Feed(engine, venue)
    for message in messages:
        feed.feed(message)
    counts = feed.counts
    assert counts.received == len(messages) == counts.priced + counts.ignored + counts.malformed
    assert counts.trades + counts.quotes == counts.stored + counts.out_of_order + sum(counts.refused.values())
    return counts


@pytest.mark.parametrize(
    ("price", "size", "expected"),
    [
        ('"1.5"', '"2"', (1.5, 2.0)),
        ("1.5", "2", (1.5, 2.0)),
        ('"15e-1"', "2e0", (1.5, 2.0)),
        ("1.5E0", '"2E+0"', (1.5, 2.0)),
        ('"1.50000000000000000000000000"', '"2.000"', (1.5, 2.0)),
        ("150000000000000000000e-20", "0", (1.5, 0.0)),
    ],
)
def test_numbers_may_be_strings_and_strings_numbers_with_an_exponent_or_without(engine, venue, price, size, expected):
    fed(engine, venue, TRADES[venue] % (price, size))
    stored = engine.get("A")
    assert (stored.price, stored.volume, stored.timestamp_ns) == (*expected, TIME_NS)


@pytest.mark.parametrize("price", ['""', "null", '" "', '"one"', "true", "[]", "{}", '"1,5"', '"1_000"', '"0x1"'])
def test_a_price_that_is_no_number_is_malformed(engine, venue, price):
    counts = fed(engine, venue, TRADES[venue] % (price, "1"))
    assert (counts.malformed, counts.trades, len(engine)) == (1, 0, 0)
    assert counts.last_malformed


@pytest.mark.parametrize(
    ("price", "size", "reason"),
    [
        ('"-1.5"', "1", "price_not_positive"),
        ("0", "1", "price_not_positive"),
        ('"nan"', "1", "price_not_finite"),
        ('"inf"', "1", "price_not_finite"),
        ('"1.5"', '"-1"', "volume"),
        ("1.5", "-0.001", "volume"),
    ],
)
def test_a_number_that_is_no_price_or_size_is_refused_by_its_reason(engine, venue, price, size, reason):
    counts = fed(engine, venue, TRADES[venue] % (price, size))
    assert (counts.refused, counts.stored, len(engine)) == ({reason: 1}, 0, 0)


def test_a_key_of_another_case_is_another_key(engine, venue):
    message = TRADES[venue] % ('"1.5"', "1")
    counts = fed(engine, venue, message.swapcase(), message.replace('"A"', '"a"').upper())
    assert (counts.trades, len(engine)) == (0, 0)


def test_a_trade_whose_second_symbol_differs_only_in_case_is_another_symbol(engine):
    fed(engine, "binance", TRADES["binance"] % ("1", "1"), (TRADES["binance"] % ("2", "1")).replace('"A"', '"a"'))
    assert (engine.price("A"), engine.price("a")) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("venue", "ack"),
    [
        ("binance", '{"result":null,"id":1,"e":null,"s":"A","p":"1"}'),
        ("binance", '{"id":"1","status":200,"result":{"e":"trade","s":"A","p":"1"}}'),
        ("bybit", '{"success":true,"ret_msg":"","op":"subscribe","req_id":"publicTrade.A","conn_id":"x"}'),
        ("bybit", '{"success":true,"request":{"op":"subscribe","args":["trade.A"]}}'),
        ("coinbase", '{"type":"subscriptions","channels":[{"name":"ticker","product_ids":["A"]}]}'),
        ("coinbase", '{"channel":"subscriptions","sequence_num":0,"events":[{"subscriptions":{"ticker":["A"]}}]}'),
        ("coinbase", '{"channel":"heartbeats","sequence_num":1,"events":[{"heartbeat_counter":3}]}'),
        ("kraken", '{"method":"subscribe","result":{"channel":"trade","symbol":"A"},"success":true}'),
        ("kraken", '{"event":"subscriptionStatus","channelName":"trade","pair":"A","status":"subscribed"}'),
        ("okx", '{"event":"subscribe","arg":{"channel":"trades","instId":"A"}}'),
        ("okx", '{"event":"error","code":"60012","msg":"Invalid request"}'),
        ("okx", "pong"),
    ],
)
def test_an_answer_that_looks_like_data_is_ignored(engine, venue, ack):
    counts = fed(engine, venue, ack)
    assert (counts.ignored, counts.trades) == (1, 0)


@pytest.mark.parametrize(
    ("bid", "ask", "sides"), [("0.00000000", "2.5", (None, 2.5)), ("1.5", "0", (1.5, None)), ("1.5", "2.5", (1.5, 2.5))]
)
@pytest.mark.parametrize("kind", ["", '"e":"bookTicker",'])
def test_a_quote_may_lack_a_side(engine, kind, bid, ask, sides):
    sizes = tuple("0" if side is None else "1" for side in sides)
    fed(engine, "binance", f'{{{kind}"u":1,"s":"A","b":"{bid}","B":"{sizes[0]}","a":"{ask}","A":"{sizes[1]}"}}')
    quote = engine.quote("A")
    assert tuple(None if isnan(side) else side for side in (quote.bid, quote.ask)) == sides


@pytest.mark.parametrize("digits", range(10))
@pytest.mark.parametrize("zone", ["Z", "", "+00:00"])
def test_times_have_any_number_of_digits_and_need_no_zone(engine, digits, zone):
    fraction = "123456789"[:digits]
    time = "2022-05-13T16:27:04" + ("." + fraction if digits else "") + zone
    fed(engine, "coinbase", f'{{"type":"match","product_id":"A","price":"1","size":"1","time":"{time}"}}')
    assert engine.get("A").timestamp_ns == 1652459224_000_000_000 + int(fraction.ljust(9, "0"))


@pytest.mark.parametrize(
    "message",
    [
        gzip.compress(b'{"e":"trade","s":"A","p":"1"}'),
        zlib.compress(b"{}"),
        bytes(range(256)),
        b"\x00" * 100,
        b'{"e":"trade","s":"\xff","p":"1"}',
        b'{"e":"trade","s":"\xed\xa0\x80","p":"1"}',
        b'{"x":"\xc3"}',
        "\ud800",
        b"\xef\xbb\xbf{}",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"e":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"data":' * 10_000,
        b"[" * 1_000_000,
        b"<html>502 Bad Gateway</html>",
        b"{'e': 'trade'}",
    ],
    ids=lambda message: repr(message[:12]),
)
def test_what_is_no_json_in_utf_8_is_malformed(engine, venue, message):
    counts = fed(engine, venue, message)
    assert (counts.malformed, counts.trades, len(engine)) == (1, 0, 0)
    assert len(counts.last_malformed) < 2000


@pytest.mark.parametrize("venue", ["bybit", "kraken", "okx"])
def test_a_bad_row_does_not_keep_its_neighbours_back(engine, venue):
    message = json.loads(TRADES[venue] % ("1.5", "1"))
    row = message["data"][0]
    rows = [row | dict.fromkeys([key], value) for key in ("p", "px", "price") if key in row for value in ("x", 2.5)]
    counts = fed(engine, venue, json.dumps(message | {"data": rows}))
    assert (counts.malformed, counts.trades, engine.price("A")) == (1, 1, 2.5)


@needs_data(CONTROL)
def test_recorded_control_messages_are_ignored(engine, venue):
    messages = [json.loads(line)["raw"] for line in CONTROL.read_text().splitlines()]
    counts = fed(engine, venue, *messages)
    assert (counts.ignored, counts.malformed) == (len(messages), 0)


@needs_data(FIXTURES)
def test_recorded_odd_messages_are_ignored(engine, venue):
    messages = [path.read_bytes() for path in sorted(FIXTURES.iterdir())]
    counts = fed(engine, venue, *messages)
    assert (counts.ignored, counts.malformed) == (len(messages), 0)
    assert len(messages) >= 5
