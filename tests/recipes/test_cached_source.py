"""A slow HTTP source behind a cache: what is hot is answered at once, what fails or ages is asked for again."""

import http.client
import socket
import threading
from contextlib import closing

import pytest
from helpers.threads import run_threads


@pytest.fixture
def recipe(recipes_on_the_path):
    import cached_source

    return cached_source


def test_most_requests_do_not_reach_the_source_and_p95_is_that_of_a_hit(recipe):
    found = recipe.compare(instruments=60, capacity=50, requests=800)
    source, cache = found["source"], found["cache"]
    assert (source.asked, source.hit_rate) == (800, 0.0)
    assert source.p50_ms >= recipe.SlowHandler.delay_s * 1e3
    assert cache.hit_rate > 0.95
    assert cache.asked <= 800 * (1 - cache.hit_rate) + 1e-6
    assert cache.p95_ms < source.p50_ms


def test_many_threads_that_want_one_instrument_ask_the_source_once(recipe):
    with recipe.slow_source() as (source, handler):
        handler.delay_s = 0.05
        cache = recipe.cached(source, 10, ttl_s=60.0)
        assert run_threads(8, lambda _: cache.get_or_load("SYM12")) == [105.0] * 8
        assert handler.asked == 1


def test_an_old_price_is_asked_for_anew(recipe):
    with recipe.slow_source() as (source, handler):
        cache = recipe.cached(source, 10, ttl_s=60.0)
        for _ in range(2):
            assert cache.get_or_load("SYM1") == 104.0
        cache._pass_time(60.0)
        assert cache.get_or_load("SYM1") == 104.0
        assert handler.asked == 2


def test_an_unknown_instrument_is_none_and_asked_for_again(recipe):
    with recipe.slow_source() as (source, handler):
        cache = recipe.cached(source, 10, ttl_s=60.0)
        assert [cache.get_or_load("é/?") for _ in range(2)] == [None, None]
        assert (handler.asked, len(cache)) == (2, 0)


def test_an_error_reaches_the_caller_and_the_next_one_asks_again(recipe):
    with recipe.slow_source() as (source, handler):
        cache = recipe.cached(source, 10, ttl_s=60.0)
        answer, handler.do_GET = handler.do_GET, lambda self: self.send_error(503)
        with pytest.raises(http.client.HTTPException, match="SYM1: the source answered 503"):
            cache.get_or_load("SYM1")
        handler.do_GET = answer
        assert cache.get_or_load("SYM1") == 104.0
        assert (cache.stats().load_errors, cache.stats().loads) == (1, 2)


def test_a_source_that_comes_back_is_connected_to_again(recipe):
    with recipe.slow_source() as (source, _):
        port = source.port
        assert source.price("SYM1") == 104.0
    with closing(recipe.Source("127.0.0.1", port)) as source:
        cache = recipe.cached(source, 10, ttl_s=60.0)
        with pytest.raises(ConnectionRefusedError):
            cache.get_or_load("SYM1")
        with recipe.ThreadingHTTPServer(("127.0.0.1", port), recipe.SlowHandler) as server:
            server.daemon_threads = True
            serving = threading.Thread(target=server.serve_forever, args=(0.02,))
            serving.start()
            assert cache.get_or_load("SYM1") == 104.0
            server.shutdown()
            serving.join()


def test_a_connection_that_was_closed_meanwhile_is_made_anew(recipe):
    with recipe.slow_source() as (source, handler):
        assert source.price("SYM1") == 104.0
        (kept,) = source._idle
        kept.sock.shutdown(socket.SHUT_RDWR)
        assert source.price("SYM22") == 105.0
        assert handler.asked == 2
