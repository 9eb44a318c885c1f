"""Entries that expire: exactly when, a few at a time, and never in the way of those that live."""

import random
import time

import pytest
from helpers.rooms import native_module
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore import PriceCache

DAY_S = 86_400.0


def test_an_entry_is_there_until_its_time_and_not_after():
    cache = PriceCache(4, ttl_s=100.0)
    cache.put("A", 1)
    cache._pass_time(99.0)
    assert (cache.get("A"), cache.peek("A"), "A" in cache, cache.items()) == (1, 1, True, [("A", 1)])
    cache._pass_time(1.0)
    assert (cache.peek("A"), "A" in cache, cache.items(), cache.keys()) == (None, False, [], [])
    assert (len(cache), cache.get("A"), len(cache)) == (1, None, 0)
    assert cache.stats().evictions == {"capacity": 0, "expired": 1, "deleted": 0}


def test_time_is_that_of_the_clock():
    cache = PriceCache(4, ttl_s=0.05)
    before = time.monotonic()
    cache.put("A", 1)
    while cache.get("A") is not None:
        assert time.monotonic() - before < 10.0
    assert time.monotonic() - before >= 0.05


def test_put_begins_the_time_anew_and_get_does_not():
    cache = PriceCache(4, ttl_s=10.0)
    cache.put("A", 1)
    cache.put("B", 1)
    cache._pass_time(6.0)
    cache.put("A", 2)
    assert cache.get("B") == 1
    cache._pass_time(6.0)
    assert (cache.get("A"), cache.get("B")) == (2, None)


def test_each_entry_may_have_a_time_of_its_own():
    cache = PriceCache(8, ttl_s=10.0)
    cache.put("short", 1, 1.0)
    cache.put("cache's own", 2)
    cache.put("long", 3, ttl_s=1e9)
    cache._pass_time(5.0)
    assert cache.values() == [3, 2]
    cache._pass_time(5.0)
    assert cache.values() == [3]
    cache._pass_time(9e8)
    assert cache.get("long") == 3


def test_only_entries_with_a_time_expire_in_a_cache_without_one():
    cache = PriceCache(8)
    cache.put("stays", 1)
    cache.put("goes", 2, 1.0)
    cache.put("stays after all", 3, 1.0)
    cache.put("stays after all", 4)
    cache._pass_time(DAY_S)
    assert cache.values() == [4, 1]


def test_an_expired_entry_leaves_before_a_live_one():
    cache = PriceCache(3)
    cache.put("old", 1)
    cache.put("expires", 2, 1.0)
    cache.put("young", 3)
    cache._pass_time(2.0)
    cache.put("new", 4)
    assert cache.keys() == ["new", "young", "old"]


@pytest.mark.parametrize(
    "call",
    [
        lambda cache: cache.get("lives"),
        lambda cache: cache.get("other"),
        lambda cache: cache.put("lives", 1),
        lambda cache: cache.delete("other"),
        lambda cache: cache.setdefault("lives", 1),
    ],
)
def test_every_call_collects_a_few(call):
    cache = PriceCache(1_000)
    cache.put("lives", 0)
    cache.put_many([(i, i) for i in range(500)], ttl_s=1.0)
    cache._pass_time(2.0)
    for _ in range(200):
        size = len(cache)
        call(cache)
        assert size - len(cache) <= 8
    assert cache.items() == [("lives", cache.peek("lives"))]
    assert cache.stats().evictions["expired"] == 500


def calls_that_moved(start_s):
    """Return how many calls found something to do in the hour before 100 entries expire."""
    is_due = native_module("caches").is_due
    cache = PriceCache(100)
    cache._pass_time(start_s)
    cache.put_many([(i, i) for i in range(100)], ttl_s=3_600.0)
    calls = 0
    for _ in range(3_590):
        cache._pass_time(1.0)
        while is_due(cache) and calls < 1_000:
            cache.get("absent")
            calls += 1
    assert len(cache) == 100
    return calls


def test_entries_whose_time_comes_nearer_are_moved_once_a_level_and_then_left_alone():
    """An hour is some levels of the wheel away, how many depends on the clock; the calls in between find nothing."""
    calls = [calls_that_moved(start_s) for start_s in range(0, 4_400, 400)]
    assert any(calls)
    assert max(calls) < 7 * (100 / 8 + 2)  # levels, and what a call does


def test_resize_and_clear_keep_the_times(whole):
    cache = PriceCache(100, ttl_s=10.0)
    cache.put_many([(i, i) for i in range(100)])
    cache._pass_time(5.0)
    cache.put_many([(i, i) for i in range(50)])
    cache.resize(300)
    whole(cache)
    cache._pass_time(5.0)
    assert sorted(cache) == list(range(50))
    cache.resize(60)
    assert cache.stats().evictions == {"capacity": 0, "expired": 50, "deleted": 0}
    cache.clear()
    cache.put("A", 1)
    cache._pass_time(10.0)
    assert cache.keys() == []
    whole(cache)


def test_a_tick_is_the_first_at_which_an_entry_has_expired():
    tick_of = native_module("caches").tick
    assert [tick_of(ns) for ns in (1, 2**20, 2**20 + 1, 2**21)] == [1, 1, 2, 2]


def test_a_wheel_that_was_empty_begins_anew(whole):
    """Buckets that were left empty may lie behind the present by then."""
    chance, cache = random.Random(5), PriceCache(4)
    for _ in range(300):
        cache.put("goes", 1, chance.choice([0.01, 0.05, 1.0, 100.0]) * chance.random() + 1e-3)
        cache.delete("goes")
        cache._pass_time(chance.choice([0.02, 0.3, 5.0]) * chance.random())
        cache.put("stays", 1, 1e4)
        cache.get("absent")
        whole(cache)
        cache.delete("stays")


def test_popitem_passes_over_what_has_expired():
    cache = PriceCache(9)
    cache.put_many([(i, i) for i in range(8)], 1.0)
    cache.put("lives", 1)
    cache._pass_time(1.0)
    assert cache.popitem() == ("lives", 1)
    with pytest.raises(KeyError, match="empty"):
        cache.popitem()


spans = st.one_of(st.floats(1e-9, 0.01), st.floats(0.01, 10.0), st.floats(10.0, 1e5), st.floats(1e5, 1e9))


@settings(max_examples=150, deadline=None)
@given(ttls=st.lists(spans, min_size=1, max_size=40), steps=st.lists(spans, min_size=1, max_size=12), data=st.data())
def test_the_wheel_gives_every_entry_out_at_or_after_its_time_and_forgets_none(ttls, steps, data):
    check = native_module("caches").check
    cache = PriceCache(100)
    for number, ttl_s in enumerate(ttls):
        cache.put(number, ttl_s, ttl_s)
        if data.draw(st.integers(0, 3)) == 0:
            cache._pass_time(data.draw(spans))
    check(cache)
    for step_s in [*steps, 3e9]:
        cache._pass_time(step_s)
        cache.get("absent")
        check(cache)
    for _ in range(100):  # at most a level a step
        cache.get("absent")
    assert len(cache) == 0
    assert cache.stats().evictions["expired"] == len(ttls)


def test_a_million_entries_that_expire_together_stall_nobody():
    """Each call's work is bounded, which is what is asserted; what it takes is shown by the benchmark."""
    count = 1_000_000
    cache = PriceCache(count + 1, ttl_s=60.0)
    for i in range(count):
        cache.put(i, i)
    cache._pass_time(61.0)
    most, calls = 0, 0
    while len(cache) > 1:
        before = len(cache)
        cache.put("new", calls)
        most, calls = max(most, before - len(cache)), calls + 1
    assert most <= 8
    assert calls <= count
    assert cache.stats().evictions == {"capacity": 0, "expired": count, "deleted": 0}


def test_a_cache_in_use_never_returns_what_has_expired(whole):
    """Many entries, few calls between: collecting lags behind, and nobody sees it."""
    chance = random.Random(3)
    cache, now_s, expires_s = PriceCache(2_000), 0.0, {}
    for number in range(20_000):
        key, ttl_s = chance.randrange(3_000), chance.choice([8.0, 64.0, 512.0, 1e5])
        value = cache.get(key)
        if value is not None:
            assert expires_s[key] > now_s
            assert value[0] == key
        cache.put(key, (key, number), ttl_s)
        expires_s[key] = now_s + ttl_s
        if number % 50 == 0:
            cache._pass_time(8.0)
            now_s += 8.0
    whole(cache)
