"""Binance messages into a real engine: what becomes a price, what is ignored, what is malformed."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore import PriceEngine
from pricecore.feeds import binance
from pricecore.feeds.sink import MALFORMED, Sink

TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,'
    b'"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
)
AGG_TRADE = (
    b'{"e":"aggTrade","E":1626916403920,"a":8,"s":"BCHUSD_PERP","p":"427.91","q":"5","f":1,"l":1,'
    b'"T":1626916403911,"m":false}'
)
SPOT_BOOK = (
    b'{"u":35346513501,"s":"ETHUSDT","b":"2683.80000000","B":"3.02920000","a":"2683.81000000","A":"31.43950000"}'
)
FUTURES_BOOK = (
    b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20",'
    b'"B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256399}}'
)
TICKER = (
    b'{"e":"24hrTicker","E":1723161256500,"s":"BTCUSDT","p":"-120.50","P":"-0.195","w":"61000.1","c":"61800.25",'
    b'"Q":"0.125","b":"61800.20","B":"2.5","a":"61800.30","A":"2.6","o":"61920.75","h":"62000","l":"60000",'
    b'"v":"123456.7","q":"7600000000.1","O":1723074856500,"C":1723161256500,"F":1,"L":2,"n":2}'
)


@pytest.fixture
def engine():
    with PriceEngine(on_bad="count") as engine:
        yield engine


@pytest.fixture
def decode(engine):
    return binance.decoder(Sink(engine))


def test_a_trade_is_an_update_at_the_time_of_the_trade(engine, decode):
    assert decode(TRADE) == 1
    stored = engine.get("BTCUSDT")
    assert (stored.price, stored.volume, stored.timestamp_ns) == (61837.63, 0.02, 1723161255342_000_000)
    assert math.isnan(stored.change_24h)


def test_an_aggregated_trade_is_an_update(engine, decode):
    assert decode(AGG_TRADE) == 1
    stored = engine.get("BCHUSD_PERP")
    assert (stored.price, stored.volume, stored.timestamp_ns) == (427.91, 5.0, 1626916403911_000_000)


def test_a_spot_book_ticker_is_a_quote_without_a_time(engine, decode):
    assert decode(SPOT_BOOK) == 1
    stored = engine.quote("ETHUSDT")
    assert (stored.bid, stored.ask, stored.bid_size, stored.ask_size) == (2683.80, 2683.81, 3.0292, 31.4395)
    assert stored.timestamp_ns == 0
    assert engine.get("ETHUSDT") is None


def test_a_futures_book_ticker_carries_the_time_of_the_transaction(engine, decode):
    assert decode(FUTURES_BOOK) == 1
    assert engine.quote("BTCUSDT").timestamp_ns == 1723161256313_000_000


def test_a_ticker_is_one_update_whose_volume_is_that_of_the_last_trade(engine, decode):
    assert decode(TICKER) == 1
    stored = engine.get("BTCUSDT")
    assert (stored.price, stored.volume, stored.change_24h) == (61800.25, 0.125, -0.195)
    assert stored.timestamp_ns == 1723161256500_000_000
    assert engine.quote("BTCUSDT") is None


@pytest.mark.parametrize("message", [TRADE, SPOT_BOOK, FUTURES_BOOK, TICKER])
def test_envelope_and_bare_message_give_the_same(message):
    content = msgspec.json.decode(message)
    event = content.get("data", content)
    stored = []
    for form in (event, {"stream": "x", "data": event}, {"data": event, "stream": "x"}):
        with PriceEngine(on_bad="count") as engine:
            assert binance.decoder(Sink(engine))(msgspec.json.encode(form)) == 1
            price, quote = engine.get(event["s"]), engine.quote(event["s"])
            stored.append(str(price and (price.price, price.volume, price.timestamp_ns, price.change_24h)))
            stored[-1] += str(quote and (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.timestamp_ns))
    assert len(set(stored)) == 1


LISTS = [b"[%s]", b" [ %s ] ", b'{"stream":"!ticker@arr","data":[%s]}', b'{"data":[%s],"stream":"!ticker@arr"}']


@pytest.mark.parametrize("form", LISTS)
def test_a_list_is_taken_as_its_events_one_by_one(engine, decode, form):
    assert decode(form % b",".join([TICKER, TICKER.replace(b"BTC", b"ETH"), b'{"e":"kline"}', SPOT_BOOK])) == 3
    for symbol in ("BTCUSDT", "ETHUSDT"):
        stored = engine.get(symbol)
        assert (stored.price, stored.change_24h) == (61800.25, -0.195)
    assert engine.quote("ETHUSDT").bid == 2683.80


@pytest.mark.parametrize(
    "bad",
    [
        TICKER.replace(b'"61800.25"', b'"x"'),
        TICKER.replace(b'"61800.25"', b"null"),
        TICKER.replace(b'"61800.25"', b"1e999"),
        TICKER.replace(b'"s":', b'"x":'),
        b'{"e":"trade","s":"A","p":"1","t":99999999999999999999}',
    ],
)
@pytest.mark.parametrize("form", LISTS)
def test_a_bad_event_of_a_list_keeps_no_other_back(engine, decode, form, bad):
    with pytest.raises(MALFORMED):
        decode(form % b",".join([TICKER, bad, TICKER.replace(b"BTC", b"ETH")]))
    assert list(engine.symbols()) == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.parametrize("form", LISTS)
def test_a_list_cut_at_any_byte_is_malformed_and_leaves_nothing(engine, decode, form):
    message = (form % b",".join([TICKER, SPOT_BOOK])).strip()
    for end in range(1, len(message)):
        with pytest.raises(MALFORMED):
            decode(message[:end])
    assert engine.metrics().messages_received == 0


def test_times_in_microseconds_are_told_by_their_size(engine, decode):
    decode(TRADE.replace(b"1723161255342", b"1723161255342678"))
    assert engine.get("BTCUSDT").timestamp_ns == 1723161255342678_000


def test_numbers_need_not_be_strings(engine, decode):
    assert decode(b'{"e":"trade","s":"A","p":1.5,"q":2,"T":"1723161255342"}') == 1
    assert engine.get("A").volume == 2.0


def test_a_side_of_price_zero_is_absent(engine, decode):
    assert decode(b'{"u":1,"s":"A","b":"0.00000000","B":"0.00000000","a":"2.5","A":"1"}') == 1
    assert math.isnan(engine.quote("A").bid)
    assert engine.quote("A").ask == 2.5


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"  \r",
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b"[1,[2],null,{}]",
        b'[{"e":"24hrMiniTicker","s":"A","c":"1.5"},{"symbol":"A","price":"1.5"}]',
        b"{}",
        b'{"result":null,"id":1}',
        b'{"id":"x","status":200,"result":[{"s":"A","p":"1"}]}',
        b'{"error":{"code":2,"msg":"Invalid request"}}',
        b'{"stream":"a@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"A","U":1,"u":2,"b":[["1","2"]],"a":[]}}',
        b'{"stream":"a@kline_1m","data":{"e":"kline","E":1,"s":"A","k":{"t":1,"o":"1","c":"2"}}}',
        b'{"stream":"a@markPrice","data":{"e":"markPriceUpdate","E":1,"s":"A","p":"1.5","P":"1.6","T":1}}',
        b'{"lastUpdateId":1,"bids":[["1","2"]],"asks":[]}',
        b'{"stream":"a","data":null}',
        b'{"stream":"a","data":[1,2]}',
        b'{"stream":"a","data":[]}',
        b'{"stream":7}',
        b'{"E":"trade","S":"A","P":"1"}',
        b'{"u":1,"s":"A","b":"0.00","B":"0.00","a":"0.00","A":"0.00"}',
    ],
)
def test_what_is_no_price_message_is_ignored(engine, decode, message):
    assert decode(message) == 0
    assert engine.metrics().messages_received == 0


@pytest.mark.parametrize(
    "message",
    [
        b"\xff",
        b"not json",
        TRADE + b"}",
        TRADE.replace(b'"BTCUSDT"', b'"\xff"'),
        TRADE.replace(b'"t":', b'"\xff":'),
        TRADE.replace(b'"61837.63000000"', b'""'),
        TRADE.replace(b'"61837.63000000"', b"null"),
        TRADE.replace(b'"61837.63000000"', b'"six"'),
        TRADE.replace(b'"61837.63000000"', b"[1]"),
        TRADE.replace(b'"61837.63000000"', b"1e999"),
        TRADE.replace(b'"p":', b'"price":'),
        TRADE.replace(b'"s":', b'"symbol":'),
        TRADE.replace(b'"BTCUSDT"', b"5"),
        TRADE.replace(b"1723161255342", b"null"),
        TRADE.replace(b"3735683259", b"9" * 30),
        FUTURES_BOOK.replace(b'"61800.20"', b"[]"),
        b'[{"e":"trade"}]',
        b"[" + TICKER.replace(b'"61800.25"', b"{}") + b"]",
        FUTURES_BOOK.replace(b'"a":', b'"x":'),
        SPOT_BOOK.replace(b'"2683.81000000"', b'""'),
        b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_malformed_and_leaves_nothing(engine, decode, message):
    with pytest.raises(MALFORMED):
        decode(message)
    assert len(engine.symbols()) == 0
    assert engine.metrics().messages_received == 0


@pytest.mark.parametrize("message", [TRADE, AGG_TRADE, SPOT_BOOK, FUTURES_BOOK, TICKER])
def test_a_message_cut_at_any_byte_is_malformed(engine, decode, message):
    for end in range(1, len(message)):
        with pytest.raises(MALFORMED):
            decode(message[:end])
    assert engine.metrics().messages_received == 0


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b'"p":"NaN"', "price_not_finite"),
        (b'"p":"0.0"', "price_not_positive"),
        (b'"p":"-1"', "price_not_positive"),
        (b'"p":"1","q":"-1"', "volume"),
        (b'"p":"1","T":4000000000000', "future"),
        (b'"p":"1","T":99999999999999999999999', "time_overflow"),
        (b'"p":"1","T":-1', "time_negative"),
        (b'"p":"1","T":1723161255', "time_unit"),
    ],
)
def test_values_that_the_engine_refuses_are_its_errors(engine, decode, field, reason):
    assert decode(b'{"e":"trade","s":"A",' + field + b"}") == 1
    assert engine.metrics().errors_by_reason[reason] == 1
    assert len(engine.symbols()) == 0


@given(st.decimals(min_value="1e-12", max_value="1e12", allow_nan=False, allow_infinity=False))
def test_prices_are_read_as_python_reads_them(price):
    class Recorder:
        def update(self, symbol, price, *rest):
            self.price = price

        update_quote = update

    recorder = Recorder()
    binance.decoder(Sink(recorder))(b'{"e":"trade","s":"A","p":"%s"}' % f"{price:f}".encode())
    assert recorder.price == float(price)


def test_a_label_stands_before_the_symbol_and_the_name_is_one_object(engine):
    sink = Sink(engine, "spot")
    binance.decoder(sink)(TRADE)
    assert list(engine.symbols()) == ["spot:BTCUSDT"]
    assert sink.names["BTCUSDT"] is sink.names["BTCUSDT"]


def test_an_empty_symbol_is_not_saved_by_its_label():
    assert Sink(PriceEngine, "spot").names[""] == ""


def test_new_symbols_are_announced_once():
    announced = []
    names = Sink(PriceEngine, "spot", announced.append).names
    assert [names["A"], names["B"], names["A"]] == ["spot:A", "spot:B", "spot:A"]
    assert announced == ["spot:A", "spot:B"]


@pytest.mark.parametrize(
    "message",
    [TRADE, AGG_TRADE, SPOT_BOOK, FUTURES_BOOK, TICKER, b'{"lastUpdateId":1}', *(form % TICKER for form in LISTS)],
)
def test_binance_is_recognised(message):
    assert binance.recognises(message)


@pytest.mark.parametrize(
    "message",
    [b"", b"x", b"5", b'{"result":null,"id":1}', b'{"channel":"trades","data":[]}', b'{"type":"match","price":"1"}'],
)
def test_others_are_not_taken_for_binance(message):
    assert not binance.recognises(message)
