"""The service of readers, served by uvicorn on a real socket, while its engine comes, goes and returns."""

import threading
from contextlib import contextmanager

import pytest
from helpers.served import events_of, served
from helpers.waiting import until
from helpers.writers import SMALL

from pricecore import EngineView, PriceEngine
from pricecore.primitives.segment_list import remove_orphaned

QUIET_S = 3600.0

pytestmark = pytest.mark.usefixtures("segments")


def service(max_age_s=QUIET_S):
    """Serve the recipe's app; a context manager of a client of it."""
    from shared_service import create_app

    return served(create_app("md", max_age_s))


def writer():
    return PriceEngine("md", **SMALL)


@contextmanager
def stream(client, *symbols):
    """Yield the events of a new stream, behind the status of its answer."""
    with client.stream("GET", "/stream", params={"symbols": symbols}) as response:
        assert response.status_code == 200
        yield events_of(response)


def next_prices(events):
    """Return the prices, or bids and asks, of the next event by symbol."""
    name, rows = next(events)
    assert name == "prices"
    return {row["symbol"]: row.get("price", (row.get("bid"), row.get("ask"))) for row in rows}


def names_until(events, price):
    """Return the names of all events up to the one with this price alone; the last writer's may come again before."""
    names = []
    for name, said in events:
        names.append(name)
        if name == "prices" and [row["price"] for row in said] == [price]:
            return names
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("path", ["/price/A", "/prices", "/health", "/stream"])
def test_without_a_feed_process_it_is_503_and_then_attaches_by_itself(path):
    with service() as client:
        before = client.get(path)
        with writer() as engine:
            engine.update("A", 1.5)
            if path == "/stream":
                with stream(client) as events:
                    assert next_prices(events) == {"A": 1.5}
            else:
                assert client.get(path).status_code == 200
    assert before.status_code == 503
    assert "no segment 'md'" in before.json()["detail"]


def test_prices_are_the_engines():
    with writer() as engine, service() as client:
        engine.update("XBT/USD", 61837.63)
        engine.update_quote("E", bid=2.0, ask=2.5)
        assert client.get("/price/XBT/USD").json()["price"] == 61837.63
        assert client.get("/prices").json() == {
            "XBT/USD": {"price": 61837.63, "bid": None, "ask": None},
            "E": {"price": None, "bid": 2.0, "ask": 2.5},
        }


def test_what_has_no_price_is_404_with_the_engines_words():
    with writer() as engine, service() as client:
        engine.update_quote("E", bid=2.0, ask=2.5)
        unknown, quoted = client.get("/price/NONESUCH"), client.get("/price/E")
    assert (unknown.status_code, quoted.status_code) == (404, 404)
    assert "NONESUCH" in unknown.json()["detail"]
    assert "quote" in quoted.json()["detail"]


def test_health_needs_a_writer_and_a_price():
    with service() as client:
        with writer() as engine:
            empty = client.get("/health")
            engine.update("A", 1.5)
            good = client.get("/health")
        gone = client.get("/health")
        assert client.get("/price/A").json()["price"] == 1.5
        with writer():
            again = client.get("/health")
    answers = [(answer.status_code, answer.json()["alive"], answer.json()["generation"]) for answer in (empty, good)]
    assert answers == [(503, True, 1), (200, True, 1)]
    assert (gone.status_code, gone.json()["alive"]) == (503, False)
    assert (again.status_code, again.json()["alive"], again.json()["generation"]) == (200, True, 2)


def test_health_needs_a_new_price():
    with writer() as engine, service(max_age_s=0.1) as client:
        engine.update("A", 1.5)
        until(lambda: client.get("/health").status_code == 503)
        assert client.get("/health").json()["alive"]


def test_a_stream_begins_with_the_latest_of_every_symbol_and_goes_on_with_what_changes():
    with writer() as engine, service() as client:
        engine.update_many(["A", "B", "A"], [1.0, 2.0, 3.0])
        with stream(client) as events:
            assert next_prices(events) == {"A": 3.0, "B": 2.0}
            engine.update("B", 4.0)
            assert next_prices(events) == {"B": 4.0}
            engine.update_quote("A", bid=5.0, ask=float("nan"))
            assert next_prices(events) == {"A": (5.0, None)}


def test_a_stream_takes_names_and_patterns_also_of_symbols_that_come_later():
    with writer() as engine, service() as client:
        engine.update_many(["A", "X:1", "B"], [1.0, 2.0, 3.0])
        with stream(client, "A", "X:*") as events:
            assert next_prices(events) == {"A": 1.0, "X:1": 2.0}
            engine.update_many(["B", "X:2"], [4.0, 5.0])
            assert next_prices(events) == {"X:2": 5.0}


@pytest.mark.parametrize("between", ["nothing", "other sizes", "removal"])
def test_a_stream_tells_of_a_dead_writer_and_goes_on_with_the_next(between):
    sizes = SMALL | {"max_symbols": 2_048} if between == "other sizes" else SMALL
    with service() as client, writer() as engine:
        engine.update_many(["A", "B"], [1.0, 2.0])
        with stream(client, "A") as events:
            assert next_prices(events) == {"A": 1.0}
            engine.close()
            name, said = next(events)
            assert (name, "gone" in said["detail"]) == ("writer-gone", True)
            if between == "removal":
                assert remove_orphaned() == ["md"]
                assert client.get("/price/A").json()["price"] == 1.0
                assert client.get("/health").status_code == 503
            for _ in range(20):  # turns of the loop, in which nothing may come back
                client.get("/health")
            with PriceEngine("md", **sizes) as following:
                following.update_many(["B", "A"], [3.0, 4.0])
                names = names_until(events, 4.0)
    assert names[0] == "writer-back"
    if between == "nothing":
        assert set(names[1:]) == {"prices"}


def test_a_quiet_stream_says_so_and_loses_nothing(monkeypatch):
    import shared_service

    monkeypatch.setattr(shared_service, "KEEP_ALIVE_S", 0.01)
    with writer() as engine, service() as client:
        engine.update("A", 0.5)
        with stream(client) as events:
            assert next_prices(events) == {"A": 0.5}
            for price in range(1, 20):
                assert next(events) == ("", "nothing new")
                engine.update("A", price)
                assert next(said for said in events if said[0])[1][0]["price"] == price


@pytest.fixture
def subscriptions(monkeypatch):
    """All subscriptions that are made."""
    made = []
    subscribe = EngineView.subscribe

    def noted(view, *arguments, **options):
        made.append(subscribe(view, *arguments, **options))
        return made[-1]

    monkeypatch.setattr(EngineView, "subscribe", noted)
    return made


@contextmanager
def busy(engine):
    """Update one symbol again and again meanwhile."""
    enough = threading.Event()

    def update():
        price = 1.0
        while not enough.wait(0.001):
            price += 1.0
            engine.update("A", price)

    thread = threading.Thread(target=update)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


@pytest.mark.parametrize("market", ["quiet", "busy", "without a writer"])
def test_a_client_that_leaves_leaves_nothing_behind(subscriptions, market):
    with service() as client, writer() as engine:
        engine.update("A", 1.0)
        if market == "without a writer":
            engine.close()
        if market == "busy":
            with busy(engine):
                listen_and_leave(client, subscriptions)
        else:
            listen_and_leave(client, subscriptions)


def listen_and_leave(client, subscriptions):
    for _ in range(3):
        with stream(client) as events:
            assert "A" in next_prices(events)
        until(lambda: all(subscription.closed for subscription in subscriptions))
        until(lambda: not any(thread.name == "pricecore-bell" for thread in threading.enumerate()))
    assert len(subscriptions) == 3
