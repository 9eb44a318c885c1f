"""The FastAPI service, served by uvicorn on a real socket while its feed is cut, stalls and comes back."""

import threading

import pytest
from helpers.replay_server import Close, Drop, Messages, Refuse, Repeat, ReplayServer, Stall
from helpers.served import served
from helpers.venue_day import ACK, capture, last_quotes, last_trades
from helpers.waiting import PATIENCE_S, until

TICKS = capture()
QUIET_S = 3600.0


def service(url, stale_after_s=QUIET_S):
    """Serve the recipe's app; a context manager of a client of it."""
    from fastapi_service import create_app

    return served(create_app(url, "binance", "X:", ACK.decode(), stale_after_s))


def test_prices_are_those_of_a_plain_reader_after_a_cut(recipes_on_the_path):
    script = [Messages(TICKS[:400]), Drop()], [Messages(TICKS[400:]), Close()]
    with ReplayServer(Refuse(), *script) as venue, service(venue.url) as client:
        venue.wait()
        for symbol, price in last_trades(TICKS).items():
            answer = client.get(f"/price/X:{symbol}").raise_for_status().json()
            assert (answer["symbol"], answer["price"]) == (f"X:{symbol}", price)
            assert answer["age_s"] >= 0.0
        prices = client.get("/prices").raise_for_status().json()
        metrics = client.get("/metrics").raise_for_status().json()
    assert {s: row["price"] for s, row in prices.items()} == {f"X:{s}": p for s, p in last_trades(TICKS).items()}
    assert {s: (row["bid"], row["ask"]) for s, row in prices.items()} == {
        f"X:{s}": quote for s, quote in last_quotes(TICKS).items()
    }
    assert (metrics["messages_received"], metrics["errors"], metrics["symbols"]) == (802, 0, 2)
    assert metrics["latency"]["sample_count"] == 802
    assert venue.goodbyes == [1000]


def test_what_has_no_price_is_404_with_the_engines_words():
    quotes_only = [tick for tick in TICKS if b"ETHUSDT" in tick and b'"e":"trade"' not in tick]
    with ReplayServer([Messages(quotes_only), Close()]) as venue, service(venue.url) as client:
        venue.wait()
        unknown, quoted = client.get("/price/X:NONESUCH"), client.get("/price/X:ETHUSDT")
        prices = client.get("/prices").json()
    assert (unknown.status_code, quoted.status_code) == (404, 404)
    assert "X:NONESUCH" in unknown.json()["detail"]
    assert "quote" in quoted.json()["detail"]
    assert prices["X:ETHUSDT"]["price"] is None
    assert prices["X:ETHUSDT"]["bid"] > 0


def test_a_symbol_may_hold_a_slash():
    tick = b'{"e":"trade","s":"XBT/USD","t":1,"p":"61837.63","q":"0.02","T":1723161255342}'
    with ReplayServer([Messages([tick]), Close()]) as venue, service(venue.url) as client:
        venue.wait()
        assert client.get("/price/X:XBT/USD").json()["price"] == 61837.63


def test_health_follows_the_feed_from_silence_to_prices_to_a_stall_and_back():
    start, stalled, recovered = threading.Event(), threading.Event(), threading.Event()
    script = [Stall(start), Messages(TICKS), Stall(stalled), Repeat(TICKS[-1], recovered), Close()]
    with ReplayServer(script) as venue, service(venue.url, stale_after_s=0.3) as client:
        before = client.get("/health")
        start.set()
        until(lambda: client.get("/health").json()["stale"] == ["X:BTCUSDT", "X:ETHUSDT"])
        during = client.get("/health")
        stalled.set()
        until(lambda: client.get("/health").status_code == 200)
        recovered.set()
        venue.wait()
    assert (before.status_code, before.json()["last_message_age_s"]) == (503, None)
    assert (during.status_code, during.json()["good"]) == (503, False)


@pytest.mark.parametrize("path", ["/prices", "/metrics"])
def test_the_feed_goes_on_while_a_table_is_made(path, monkeypatch):
    from pricecore import PriceEngine

    asked, fed = threading.Event(), threading.Event()
    name = {"/prices": "snapshot", "/metrics": "metrics"}[path]
    read = getattr(PriceEngine, name)

    def slow(engine):
        asked.set()
        assert fed.wait(PATIENCE_S), "the event loop waits for a request"
        return read(engine)

    monkeypatch.setattr(PriceEngine, name, slow)
    with ReplayServer([Stall(asked), Messages(TICKS), Close()]) as venue, service(venue.url) as client:
        answers = []
        request = threading.Thread(target=lambda: answers.append(client.get(path)))
        request.start()
        venue.wait()
        fed.set()
        request.join(PATIENCE_S)
    assert answers[0].status_code == 200
