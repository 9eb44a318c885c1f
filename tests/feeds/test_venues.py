"""What becomes a price in the messages of Coinbase, Kraken, Bybit and OKX, and at which time."""

import json

import pytest
from helpers.prices import Recorder

from pricecore.feeds import bybit, coinbase, kraken, okx
from pricecore.feeds.sink import Sink

COINBASE_TICKER = (
    b'{"type":"ticker","sequence":333938798,"product_id":"BAND-GBP","price":"15","open_24h":"12.5",'
    b'"volume_24h":"94381.28","best_bid":"14.7","best_ask":"14.8","side":"buy","time":"2021-04-17T16:43:30.244075Z",'
    b'"trade_id":881613,"last_size":"0.04"}'
)
COINBASE_MATCH = (
    b'{"type":"match","trade_id":280234,"maker_order_id":"1","side":"sell","size":"894.7","price":"0.00001306",'
    b'"product_id":"SKL-BTC","sequence":177100142,"time":"2021-04-17T16:43:37.308069Z"}'
)
ADVANCED_TICKER = (
    b'{"channel":"ticker","client_id":"","timestamp":"2026-04-07T14:30:10.167359596Z","sequence_num":3,"events":'
    b'[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"21932.98","volume_24_h":"16038",'
    b'"price_percent_chg_24_h":"-4.25","best_bid":"21931.98"},{"product_id":"ETH-USD","price":"1500.5"}]}]}'
)
ADVANCED_TRADES = (
    b'{"channel":"market_trades","client_id":"","timestamp":"2026-04-07T14:30:10.1Z","sequence_num":4,"events":'
    b'[{"type":"update","trades":[{"trade_id":"000","product_id":"ETH-USD","price":"1260.01","size":"0.3","side":"BUY",'
    b'"time":"2026-04-07T14:30:10.265Z"}]},{"type":"update","trades":[]}]}'
)
KRAKEN_TRADES = (
    b'[993,[["354.04","0.28245396","1618678150.826417","s","m",""],["353.81","1.7","1618678150.827816","s","m",""]],'
    b'"trade","XMR/USD"]'
)
KRAKEN_TICKER = (
    b'[1668,{"a":["13.2539",35,"35.7"],"b":["13.2329",185,"185.1"],"c":["15","3.71672000"],'
    b'"v":["26560.8","72035.0"],"p":["13.5","13.7"],"t":[640,1353],"o":["13.804","12"]},"ticker","WAVES/EUR"]'
)
KRAKEN2_TICKER = (
    b'{"channel":"ticker","type":"snapshot","data":[{"symbol":"ALGO/USD","bid":0.10025,"ask":0.10036,"last":0.10035,'
    b'"volume":997038.98,"change":-0.00017,"change_pct":-0.17}]}'
)
KRAKEN2_TRADES = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"MATIC/USD","side":"sell","price":0.5117,"qty":40.0,'
    b'"ord_type":"market","trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
)
BYBIT_STRINGS = (
    b'{"topic":"trade.BCHUSDT","data":[{"symbol":"BCHUSDT","price":"1053.90","size":0.14,'
    b'"timestamp":"2021-04-17T16:43:05.000Z","trade_time_ms":"1618677785116","side":"Buy","trade_id":"01cacfe9"}]}'
)
BYBIT_NUMBERS = (
    b'{"topic":"trade.BTCUSD","data":[{"trade_time_ms":1618677786614,"symbol":"BTCUSD","side":"Sell","size":4,'
    b'"price":60621.5,"trade_id":"5ffb8b77","cross_seq":5938955347}]}'
)
BYBIT5_TRADES = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT",'
    b'"S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950","BT":false,"seq":1783284617}]}'
)
BYBIT5_TICKER = (
    b'{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","price24hPcnt":"0.0175",'
    b'"lastPrice":"17216.00","prevPrice24h":"16926.50","volume24h":"91705.2"},"cs":24987956059,"ts":1673272861686}'
)
OKX_TICKER = (
    b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"30000",'
    b'"lastSz":"0.00008","askPx":"30230.3","open24h":"24000","vol24h":"17602.6","ts":"1652459235519"}]}'
)
OKX_TRADES = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"338476307","px":"30236",'
    b'"sz":"0.0002","side":"buy","ts":"1652459224818"}]}'
)
ALL = {
    coinbase: (COINBASE_TICKER, COINBASE_MATCH, ADVANCED_TICKER, ADVANCED_TRADES),
    kraken: (KRAKEN_TRADES, KRAKEN_TICKER, KRAKEN2_TICKER, KRAKEN2_TRADES),
    bybit: (BYBIT_STRINGS, BYBIT_NUMBERS, BYBIT5_TRADES, BYBIT5_TICKER),
    okx: (OKX_TICKER, OKX_TRADES),
}
MESSAGES = [(venue, message) for venue, messages in ALL.items() for message in messages]


def decoded(venue, message):
    """Return what the decoder handed on, after checking that it counted that."""
    recorder = Recorder()
    sink = Sink(recorder)
    assert venue.decoder(sink)(message) == len(recorder.trades) == sink.trades
    assert recorder.quotes == []
    return recorder.trades


@pytest.mark.parametrize(
    ("venue", "message", "trades"),
    [
        (coinbase, COINBASE_TICKER, [("BAND-GBP", 15.0, 0.04, 1618677810_244075_000, pytest.approx(20.0))]),
        (coinbase, COINBASE_MATCH, [("SKL-BTC", 0.00001306, 894.7, 1618677817_308069_000, None)]),
        (
            coinbase,
            ADVANCED_TICKER,
            [
                ("BTC-USD", 21932.98, 0.0, 1775572210_167359596, -4.25),
                ("ETH-USD", 1500.5, 0.0, 1775572210_167359596, None),
            ],
        ),
        (coinbase, ADVANCED_TRADES, [("ETH-USD", 1260.01, 0.3, 1775572210_265000_000, None)]),
        (
            kraken,
            KRAKEN_TRADES,
            [
                ("XMR/USD", 354.04, 0.28245396, 1618678150_826417_000, None),
                ("XMR/USD", 353.81, 1.7, 1618678150_827816_000, None),
            ],
        ),
        (kraken, KRAKEN_TICKER, [("WAVES/EUR", 15.0, 3.71672, 0, pytest.approx(25.0))]),
        (kraken, KRAKEN2_TICKER, [("ALGO/USD", 0.10035, 0.0, 0, -0.17)]),
        (kraken, KRAKEN2_TRADES, [("MATIC/USD", 0.5117, 40.0, 1695628177_708706_000, None)]),
        (bybit, BYBIT_STRINGS, [("BCHUSDT", 1053.9, 0.14, 1618677785116_000_000, None)]),
        (bybit, BYBIT_NUMBERS, [("BTCUSD", 60621.5, 4.0, 1618677786614_000_000, None)]),
        (bybit, BYBIT5_TRADES, [("BTCUSDT", 16578.5, 0.001, 1672304486865_000_000, None)]),
        (bybit, BYBIT5_TICKER, [("BTCUSDT", 17216.0, 0.0, 1673272861686_000_000, pytest.approx(1.75))]),
        (
            bybit,
            BYBIT5_TICKER.replace(b'"price24hPcnt":"0.0175",', b""),
            [("BTCUSDT", 17216.0, 0.0, 1673272861686_000_000, pytest.approx(100.0 * (17216.0 / 16926.5 - 1.0)))],
        ),
        (okx, OKX_TICKER, [("BTC-USDT", 30000.0, 0.00008, 1652459235519_000_000, pytest.approx(25.0))]),
        (okx, OKX_TRADES, [("BTC-USDT", 30236.0, 0.0002, 1652459224818_000_000, None)]),
    ],
)
def test_a_price_message_is_one_update_for_each_price(venue, message, trades):
    assert decoded(venue, message) == trades


@pytest.mark.parametrize(("venue", "message"), MESSAGES)
def test_unknown_fields_change_nothing(venue, message):
    if message.startswith(b"{"):
        extended = b'{"brand_new":[1,{"x":null}],"PRICE":"7",' + message[1:]
        assert decoded(venue, extended) == decoded(venue, message)


@pytest.mark.parametrize(
    ("venue", "message"),
    [
        (coinbase, b'{"type":"subscriptions","channels":[{"name":"ticker","product_ids":["BTC-USD"]}]}'),
        (coinbase, b'{"type":"l2update","product_id":"A-B","changes":[["buy","1","2"]],"time":"2021-04-17T16:43:37Z"}'),
        (coinbase, b'{"type":"brand_new","product_id":"A-B","price":"1"}'),
        (coinbase, b'{"channel":"subscriptions","sequence_num":1,"events":[{"subscriptions":{"ticker":["A-B"]}}]}'),
        (coinbase, b'{"channel":"brand_new","sequence_num":1,"events":[{"tickers":[{"product_id":"A","price":"1"}]}]}'),
        (coinbase, b'{"type":5,"price":[]}'),
        (coinbase, b'{"type":"ticker","product_id":"A-B","price":null,"time":""}'),
        (coinbase, b'{"channel":"ticker","events":[{"tickers":[{"product_id":"A","price":""}]}]}'),
        (kraken, b'{"event":"heartbeat"}'),
        (kraken, b'{"channelID":1665,"channelName":"trade","event":"subscriptionStatus","pair":"WAVES/EUR"}'),
        (kraken, b'{"method":"subscribe","result":{"channel":"trade","symbol":"A/B"},"success":true}'),
        (kraken, b'{"channel":"trade","type":"ack"}'),
        (kraken, b'{"channel":"heartbeat"}'),
        (kraken, b'[1,{"as":[["1","2"]]},"book-10","A/B"]'),
        (kraken, b'[1,{"a":[["1","2"]]},{"b":[]},"book-10","A/B"]'),
        (kraken, b'[1,{"c":["",""],"o":["",""]},"ticker","A/B"]'),
        (kraken, b'[1,"hb"]'),
        (kraken, b'[[],[],"trade",5]'),
        (bybit, b'{"success":true,"ret_msg":"","conn_id":"9","request":{"op":"subscribe","args":["trade.EOSUSD"]}}'),
        (bybit, b'{"success":true,"ret_msg":"","conn_id":"9","req_id":"1","op":"subscribe"}'),
        (bybit, b'{"topic":"orderBookL2_25.BTCUSD","type":"delta","data":{"delete":[],"update":[]},"cross_seq":1}'),
        (bybit, b'{"topic":"tickers.A","type":"delta","data":{"symbol":"A","bid1Price":"1"},"ts":1673272861686}'),
        (bybit, b'{"topic":"brandNew.A","data":[{"symbol":"A","price":1}]}'),
        (bybit, b'{"topic":["trade"],"data":[]}'),
        (okx, b'{"event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"}}'),
        (okx, b'{"event":"error","code":"60012","msg":"Invalid request"}'),
        (okx, b'{"arg":{"channel":"books","instId":"A"},"action":"snapshot","data":[{"asks":[["1","2","0","1"]]}]}'),
        (okx, b'{"arg":{"channel":"tickers","instId":"A"},"data":[{"instId":"A","last":"","lastSz":"","open24h":""}]}'),
        (okx, b'{"arg":{"channel":"tickers","instId":"A"},"data":[]}'),
        (okx, b'{"arg":"trades","data":[]}'),
        *((venue, message) for venue in ALL for message in (b"", b" \r", b"null", b"5", b'"x"', b"[]", b"{}", b"[[]]")),
    ],
)
def test_what_carries_no_price_is_ignored(venue, message):
    assert decoded(venue, message) == []


@pytest.mark.parametrize(("venue", "message"), MESSAGES)
def test_the_venue_of_a_message_is_recognised_and_no_other(venue, message):
    assert [other for other in ALL if other.recognises(message)] == [venue]


def test_keys_that_differ_only_in_case_are_different_fields():
    swapped = BYBIT5_TRADES.replace(b'"S":"Buy"', b'"V":"9","P":"9","t":9')
    assert decoded(bybit, swapped) == decoded(bybit, BYBIT5_TRADES)


@pytest.mark.parametrize(
    ("text", "price"), [(b'"1.5e3"', 1500.0), (b"15E2", 1500.0), (b"1500", 1500.0), (b'"1e-7"', 1e-7)]
)
def test_a_price_may_be_written_in_any_way(text, price):
    assert decoded(okx, OKX_TRADES.replace(b'"30236"', text))[0][1] == price


def test_one_unreadable_row_does_not_keep_the_others_back():
    rows = json.loads(OKX_TRADES)
    good, bad = rows["data"][0], {**rows["data"][0], "px": "six"}
    recorder = Recorder()
    decode = okx.decoder(Sink(recorder))
    with pytest.raises(ValueError, match="'six' is not a number"):
        decode(json.dumps({**rows, "data": [good, bad, good]}).encode())
    assert [trade[1] for trade in recorder.trades] == [30236.0, 30236.0]
