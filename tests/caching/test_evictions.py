"""What leaves a cache, why, and what `on_evict` may do meanwhile."""

import gc
import logging

import pytest

from pricecore import PriceCache


class Told(list):
    def __call__(self, key, value, reason):
        self.append((key, value, reason))


def test_each_entry_that_leaves_is_told_with_its_reason():
    told = Told()
    cache = PriceCache(2, on_evict=told)
    cache.put("A", 1)
    cache.put("A", 2)  # replaced: the key has not left
    cache.put("B", 3)
    cache.put("C", 4, 1.0)
    cache._pass_time(2.0)
    assert cache.get("C") is None
    cache.put("D", 5)
    assert cache.pop("D") == 5
    assert not cache.delete("D")
    cache.put("E", 6)
    cache.resize(1)
    cache.clear()
    assert told == [
        ("A", 2, "capacity"),
        ("C", 4, "expired"),
        ("D", 5, "deleted"),
        ("B", 3, "capacity"),
        ("E", 6, "deleted"),
    ]
    assert cache.stats().evictions == {"capacity": 2, "expired": 1, "deleted": 2}


def test_resize_says_which_have_expired_and_which_found_no_room():
    told = Told()
    cache = PriceCache(10, on_evict=told)
    cache.put_many([(i, i) for i in range(6)])
    cache.put("expires", 0, 1.0)
    cache._pass_time(1.0)
    cache.resize(4)
    assert told == [(0, 0, "capacity"), (1, 1, "capacity"), ("expires", 0, "expired")]
    assert cache.keys() == [5, 4, 3, 2]


def test_a_cache_that_ends_tells_nobody():
    told = Told()
    cache = PriceCache(2, on_evict=told)
    cache.put("A", 1)
    del cache
    gc.collect()
    assert told == []


def test_an_error_of_on_evict_is_logged_and_counted_and_the_call_succeeds(caplog):
    def fail(key, value, reason):
        raise ZeroDivisionError(f"{key} left")

    cache = PriceCache(1, on_evict=fail)
    with caplog.at_level(logging.WARNING, "pricecore"):
        cache.put("A", 1)
        cache.put("B", 2)
        assert cache.pop("B") == 2
    assert "ZeroDivisionError: A left" in caplog.text
    assert len(caplog.records) == 1  # at most one a second
    assert cache.stats().callback_errors == 2
    cache.reset_stats()
    assert cache.stats().callback_errors == 0


def test_an_interrupt_in_on_evict_reaches_the_caller_once_all_is_told():
    told = []

    def interrupt(key, value, reason):
        told.append(key)
        raise KeyboardInterrupt

    cache = PriceCache(3, on_evict=interrupt)
    cache.put_many([("A", 1), ("B", 2), ("C", 3)])
    with pytest.raises(KeyboardInterrupt):
        cache.clear()
    assert (told, len(cache)) == (["A", "B", "C"], 0)
    cache.put_many([("A", 1), ("B", 2), ("C", 3)])
    with pytest.raises(KeyboardInterrupt):
        cache.put("D", 4)
    assert (told, cache.keys()) == (["A", "B", "C", "A"], ["D", "C", "B"])


@pytest.mark.parametrize("call", ["get", "put", "delete", "clear", "resize", "items"])
def test_on_evict_may_use_the_cache(call, whole):
    def back(key, value, reason):
        told.append(key)
        if len(told) < 20:
            {
                "get": lambda: cache.get(key),
                "put": lambda: cache.put(key, value),
                "delete": lambda: cache.delete(next(iter(cache), None)),
                "clear": cache.clear,
                "resize": lambda: cache.resize(len(told) % 4 + 1),
                "items": cache.items,
            }[call]()
        whole(cache)

    told = []
    cache = PriceCache(3, on_evict=back)
    for i in range(8):
        cache.put(i, i)
    cache.clear()
    whole(cache)
    assert told
    assert cache.stats().callback_errors == 0


def test_on_evict_that_puts_without_end_is_ended_by_the_interpreters_limit(caplog, whole):
    cache = PriceCache(1, on_evict=lambda key, value, reason: cache.put(value, key))
    cache.put("A", "B")
    with caplog.at_level(logging.WARNING, "pricecore"):
        cache.put("C", "D")
    assert cache.stats().callback_errors > 0
    assert len(cache) == 1
    whole(cache)
