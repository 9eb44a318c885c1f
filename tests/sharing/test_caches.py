"""`engine.add_cache`: a cache's figures in the metrics of the engine, and in those of its views."""

import gc
import json
import weakref
from contextlib import suppress

import pytest
from helpers.fork import run_in_child
from helpers.waiting import until

import pricecore
from pricecore import EngineClosedError, PriceCache, PriceEngine, WrongProcessError

NAME = "caches"


@pytest.fixture
def engine():
    with PriceEngine(NAME, max_symbols=1024, ring_capacity=1024, latency_window=8, pool_buffers=1) as engine:
        yield engine


def used_cache():
    """Return a cache of which every figure has another value."""

    def load(key):
        if key == "fails":
            raise ZeroDivisionError
        return key

    def told(key, value, reason):
        if reason == "deleted":
            raise ZeroDivisionError

    cache = PriceCache(5, loader=load, on_evict=told)
    cache.put_many([(i, i) for i in range(9)])
    cache.put("expires", 1, 1.0)
    cache._pass_time(2.0)
    cache.delete(8)
    for key in (7, 6, 5, 7, 6, 5, "absent"):
        cache.get(key)
    for key in ("a", "fails", "a"):
        try:
            cache.get_or_load(key)
        except ZeroDivisionError:
            continue
    return cache


def test_metrics_have_the_figures_of_each_cache(engine):
    assert engine.metrics().caches == {}
    cache, other = used_cache(), PriceCache(7)
    engine.add_cache("instruments", cache)
    engine.add_cache("é" * 8, other)
    assert engine.metrics().caches == {"instruments": cache.stats(), "é" * 8: other.stats()}
    told = json.loads(json.dumps(engine.metrics().as_dict()))["caches"]["instruments"]
    assert (told["hit_rate"], told["load_latency"]["sample_count"]) == (cache.stats().hit_rate, 2)
    engine.reset_stats()
    assert engine.metrics().caches["instruments"] == cache.stats()


def test_a_view_sees_the_same_figures_at_once_and_new_ones_within_seconds(engine):
    cache = used_cache()
    stats = cache.stats()
    assert len({*stats.evictions.values(), stats.hits, stats.misses, stats.loads, stats.load_errors}) >= 5
    engine.add_cache("instruments", cache)
    engine.add_cache("other", PriceCache(7))
    with pricecore.attach(NAME) as view:
        seen = view.metrics().caches
        assert list(seen) == ["instruments", "other"]
        assert seen["instruments"] == stats
        cache.get_or_load("new")
        cache.resize(50)
        cache.reset_stats()
        cache.put("newer", 1)
        until(lambda: view.metrics().caches["instruments"] == cache.stats())
        assert cache.stats()[:2] == (50, len(cache))


def test_the_next_writer_has_none_of_the_caches_before(engine):
    engine.add_cache("instruments", used_cache())
    with pricecore.attach(NAME) as view:
        engine.close()
        assert "instruments" in view.metrics().caches
        with PriceEngine(NAME, max_symbols=1024, ring_capacity=1024, latency_window=8, pool_buffers=1) as successor:
            assert (view.metrics().caches, successor.metrics().caches) == ({}, {})
            successor.add_cache("instruments", PriceCache(3))
            assert view.metrics().caches == {"instruments": PriceCache(3).stats()}


@pytest.mark.parametrize("name", ["", "a" * 17, "é" * 9, "a/b", "a\0", "\ud800"])
def test_a_name_that_is_none_is_refused(engine, name):
    with pytest.raises(ValueError, match="a cache's name has 1 to 16 bytes"):
        engine.add_cache(name, PriceCache(1))
    assert engine.metrics().caches == {}


def test_a_name_that_is_taken_is_refused(engine):
    engine.add_cache("A", PriceCache(1))
    with pytest.raises(ValueError, match="name is 'A'; this engine has a cache of that name"):
        engine.add_cache("A", PriceCache(2))
    assert engine.metrics().caches["A"].capacity == 1


@pytest.mark.parametrize(("name", "cache"), [(3, PriceCache(1)), (b"A", PriceCache(1)), ("A", {}), ("A", None)])
def test_arguments_of_a_wrong_type_are_refused(engine, name, cache):
    with pytest.raises(TypeError, match=r"name must be|cache must be"):
        engine.add_cache(name, cache)


def test_ten_caches_have_a_place_and_not_many_more(engine):
    for number in range(10):
        engine.add_cache(f"cache {number}", PriceCache(number + 1))
    with pricecore.attach(NAME) as view:
        assert [stats.capacity for stats in view.metrics().caches.values()] == list(range(1, 11))
    number = 10
    with suppress(ValueError):
        while number < 20:
            engine.add_cache(f"cache {number}", PriceCache(1))
            number += 1
    with pytest.raises(ValueError, match="no place for the figure"):
        engine.add_cache("one more", PriceCache(1))
    assert 10 <= len(engine.metrics().caches) == number < 15


def test_a_closed_engine_takes_none(engine):
    engine.close()
    with pytest.raises(EngineClosedError):
        engine.add_cache("A", PriceCache(1))


def test_a_forked_child_cannot_add_one_to_its_parents_engine(engine):
    def child():
        with pytest.raises(WrongProcessError):
            engine.add_cache("A", PriceCache(1))

    run_in_child(child)


def test_an_engine_keeps_its_caches_and_lets_them_go():
    engine = PriceEngine(max_symbols=1024, ring_capacity=1024, latency_window=8, pool_buffers=1)
    cache = PriceCache(1, loader=engine.price)
    seen = weakref.ref(cache)
    engine.add_cache("A", cache)
    cache.put("itself", cache)
    del cache
    gc.collect()
    assert seen() is not None
    del engine
    gc.collect()
    assert seen() is None
