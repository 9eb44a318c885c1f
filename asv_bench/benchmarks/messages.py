"""Messages of the venues in the shapes that they send; the content is made up.

A name is venue and kind. NUMBER stands where the venue numbers its messages of a symbol: what is measured runs through
consecutive numbers, as a sound connection does.
"""

TEMPLATES = {
    "binance_trade": (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256287,"s":"BTCUSDT","t":NUMBER,'
        b'"p":"61824.01000000","q":"0.00098000","T":1723161256286,"m":false,"M":true}}'
    ),
    "binance_quote": (
        b'{"stream":"btcusdt@bookTicker","data":{"u":50093240744,"s":"BTCUSDT","b":"61824.00000000",'
        b'"B":"0.34769000","a":"61824.01000000","A":"5.75646000"}}'
    ),
    "bybit_trade": (
        b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1723161256287,"data":[{"T":1723161256286,'
        b'"s":"BTCUSDT","S":"Buy","v":"0.001","p":"61824.50","L":"PlusTick","i":"7d2f43e0","BT":false,"seq":NUMBER}]}'
    ),
    "bybit_ticker": (
        b'{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","price24hPcnt":"0.0175",'
        b'"lastPrice":"61824.50","prevPrice24h":"60761.20","volume24h":"91705.2"},"cs":24987956059,"ts":1723161256287}'
    ),
    "coinbase_match": (
        b'{"type":"match","trade_id":NUMBER,"maker_order_id":"5d3f","side":"sell","size":"0.0894",'
        b'"price":"61824.02","product_id":"BTC-USD","sequence":177100142,"time":"2024-08-08T23:54:16.287069Z"}'
    ),
    "coinbase_ticker": (
        b'{"type":"ticker","sequence":177100143,"product_id":"BTC-USD","price":"61824.02","open_24h":"60761.5",'
        b'"volume_24h":"9438.28","best_bid":"61824.01","best_ask":"61824.03","side":"buy",'
        b'"time":"2024-08-08T23:54:16.287075Z","trade_id":881613,"last_size":"0.04"}'
    ),
    "kraken_trade": (
        b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":61824.1,"qty":0.0417,'
        b'"ord_type":"market","trade_id":NUMBER,"timestamp":"2024-08-08T23:54:16.287706Z"}]}'
    ),
    "kraken_ticker": (
        b'{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":61824.0,"ask":61824.1,'
        b'"last":61824.1,"volume":997.98,"change":1063.3,"change_pct":1.75}]}'
    ),
    "okx_trade": (
        b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"NUMBER",'
        b'"px":"61824.1","sz":"0.0002","side":"buy","ts":"1723161256287"}]}'
    ),
    "okx_ticker": (
        b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT",'
        b'"last":"61824.1","lastSz":"0.00008","askPx":"61824.2","open24h":"60761.5","vol24h":"17602.6",'
        b'"ts":"1723161256287"}]}'
    ),
}
FIRST_NUMBER = 3_735_683_000


def venue_of(name: str) -> str:
    return name.partition("_")[0]


def known_here() -> set[str]:
    """Return the names of those that this version has a feed for, which an older one has not."""
    try:
        from pricecore.feeds import Feed, formats  # noqa: F401
    except ImportError:
        return set()
    return {name for name in TEMPLATES if venue_of(name) in formats.FORMATS}


def numbered(name: str, count: int) -> list[bytes]:
    """Return so many messages, numbered as the venue does."""
    template = TEMPLATES[name]
    return [template.replace(b"NUMBER", b"%d" % (FIRST_NUMBER + i)) for i in range(count)]
