"""What the decoders of the venues cannot read, whichever way it is broken."""

import gzip
from contextlib import suppress

import msgspec
import pytest
from helpers.prices import Recorder
from hypothesis import given
from hypothesis import strategies as st

from pricecore.feeds import binance, bybit, coinbase, kraken, okx
from pricecore.feeds.sink import MALFORMED, Sink

VENUES = (binance, bybit, coinbase, kraken, okx)
TRADES = {
    coinbase: b'{"type":"match","trade_id":2,"size":"1","price":"1.5","product_id":"A","time":"2021-04-17T16:43:37Z"}',
    kraken: b'[993,[["1.5","1","1618678150.826417","s","m",""]],"trade","A"]',
    bybit: b'{"topic":"trade.A","data":[{"symbol":"A","price":"1.5","size":"1","trade_time_ms":"1618677785116"}]}',
    okx: b'{"arg":{"channel":"trades"},"data":[{"instId":"A","tradeId":"3","px":"1.5","sz":"1","ts":"1652459224818"}]}',
}


def refuses(venue, message):
    recorder = Recorder()
    decode = venue.decoder(Sink(recorder))
    with pytest.raises(MALFORMED):
        decode(message)
    return recorder.trades == []


@pytest.mark.parametrize("price", [b'""', b"null", b'"six"', b"[1]", b"{}", b'"1_000"', b'"0x10"', b"1e999"])
@pytest.mark.parametrize("venue", TRADES)
def test_a_trade_without_a_readable_price_is_malformed(venue, price):
    assert refuses(venue, TRADES[venue].replace(b'"1.5"', price))


@pytest.mark.parametrize("venue", TRADES)
def test_a_trade_cut_at_any_byte_is_malformed(venue):
    for end in range(1, len(TRADES[venue])):
        assert refuses(venue, TRADES[venue][:end])


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff",
        b"not json",
        b"{}{}",
        b'{"x":"\xff"}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"x":' * 10_000 + b"1" + b"}" * 10_000,
        b"[" * 100_000,
        gzip.compress(TRADES[okx]),
        b"b'" + TRADES[okx] + b"'",
    ],
    ids=["byte", "text", "two", "utf-8", "arrays", "objects", "open arrays", "gzip", "literal"],
)
@pytest.mark.parametrize("venue", VENUES)
def test_garbage_is_malformed(venue, garbage):
    assert refuses(venue, garbage)
    assert not venue.recognises(garbage)


@pytest.mark.parametrize("venue", [coinbase, bybit, okx])
def test_a_price_without_its_symbol_is_malformed(venue):
    assert refuses(venue, TRADES[venue].replace(b'"A"', b'""'))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "1", "x", "trade", "ticker", "data"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "channel",
                    "topic",
                    "arg",
                    "data",
                    "events",
                    "tickers",
                    "trades",
                    "product_id",
                    "price",
                    "instId",
                    "px",
                    "e",
                    "s",
                    "p",
                    "c",
                    "o",
                    "symbol",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
)


@given(st.sampled_from(VENUES), VALUES | st.binary(max_size=60))
def test_any_content_is_decoded_ignored_or_malformed(venue, content):
    message = content if isinstance(content, bytes) else msgspec.json.encode(content)
    recorder = Recorder()
    decode = venue.decoder(Sink(recorder))
    assert venue.recognises(message) in (True, False)
    with suppress(*MALFORMED):
        assert decode(message) == len(recorder.trades) + len(recorder.quotes)
