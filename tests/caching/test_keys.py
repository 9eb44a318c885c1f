"""Keys that answer in their own way: unhashable, raising, changing the cache while they are compared."""

import gc
import sys
import weakref

import pytest
from helpers.rooms import native_module

from pricecore import PriceCache


class Key:
    """All have one hash; `compare` runs in every comparison of two of them."""

    compare = staticmethod(lambda: None)

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return 7

    def __eq__(self, other):
        type(self).compare()
        return isinstance(other, Key) and self.name == other.name


@pytest.fixture
def compared():
    """Set what a comparison does, for the time of a test."""

    def compare_by(call):
        Key.compare = staticmethod(call)

    yield compare_by
    Key.compare = staticmethod(lambda: None)


def filled(count=5, capacity=10):
    cache = PriceCache(capacity)
    for i in range(count):
        cache.put(Key(i), i)
    return cache


CALLS = [
    lambda cache, key: cache.get(key),
    lambda cache, key: cache.peek(key),
    lambda cache, key: cache.put(key, 1),
    lambda cache, key: cache.put(key, 1, 5.0),
    lambda cache, key: cache.delete(key),
    lambda cache, key: cache.pop(key, None),
    lambda cache, key: cache.setdefault(key, 1),
    lambda cache, key: key in cache,
    lambda cache, key: cache.get_many([key]),
]


@pytest.mark.parametrize("key", [[], {}, set(), ([],)])
@pytest.mark.parametrize("call", CALLS)
def test_a_key_without_a_hash_is_a_type_error(call, key, whole):
    cache = filled()
    with pytest.raises(TypeError, match="unhashable"):
        call(cache, key)
    assert cache.values() == [4, 3, 2, 1, 0]
    whole(cache)


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_a_comparison_reaches_the_caller_and_changes_nothing(call, compared, whole):
    def fail():
        raise ZeroDivisionError("compared")

    cache = filled()
    keys = cache.keys()
    before = [sys.getrefcount(key) for key in keys]
    compared(fail)
    with pytest.raises(ZeroDivisionError, match="compared") as caught:
        call(cache, Key(2))
    compared(lambda: None)
    del caught
    gc.collect()
    after = [sys.getrefcount(key) for key in keys]
    assert after == before
    assert cache.values() == [4, 3, 2, 1, 0]
    whole(cache)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("change", ["clear", "delete", "resize", "put", "shrink"])
def test_a_comparison_may_change_the_cache_once(call, change, compared, whole):
    cache = filled(8)
    todo = [
        {
            "clear": cache.clear,
            "delete": lambda: [cache.delete(key) for key in cache.keys()[::2]],
            "resize": lambda: cache.resize(1_000),
            "put": lambda: cache.put_many([(i, i) for i in range(9)]),
            "shrink": lambda: cache.resize(1),
        }[change]
    ]
    compared(lambda: todo.pop()() if todo else None)
    call(cache, Key(3))
    compared(lambda: None)
    assert todo == []
    whole(cache)
    assert len(cache.items()) == len(cache)


@pytest.mark.parametrize("call", CALLS)
def test_a_comparison_that_always_changes_the_cache_is_an_error_and_no_endless_loop(call, compared, whole):
    cache = filled(3, 100)

    def change():
        cache.put("a str, which is not compared with those", 1)
        cache.delete("a str, which is not compared with those")

    compared(change)
    with pytest.raises(RuntimeError, match="__eq__ must not change the cache"):
        call(cache, Key("not there"))
    compared(lambda: None)
    whole(cache)


def test_a_comparison_that_always_adds_a_key_to_compare_is_an_error_before_the_cache_is_full(compared, whole):
    cache = filled(3, 5_000)
    adding = []

    def add():
        if not adding:
            adding.append(True)
            cache.put(Key(f"more {len(cache)}"), 1)
            adding.clear()

    compared(add)
    with pytest.raises(RuntimeError, match="__eq__ must not change the cache"):
        cache.get(Key("not there"))
    compared(lambda: None)
    assert len(cache) < 2_000
    whole(cache)


def test_a_key_that_moves_back_past_the_search_while_two_others_are_compared_is_found(compared, whole):
    """What stood in front of all three is deleted meanwhile: the third comes to stand where the search was already."""
    place = native_module("caches").home
    cache = PriceCache(4)
    in_front = next(number for number in range(8, 1_000) if place(cache, number) == place(cache, 7))
    cache.put(in_front, 0)
    cache.put(Key(1), 1)
    cache.put(Key(2), 2)
    todo = [lambda: cache.delete(in_front)]
    compared(lambda: todo.pop()() if todo else None)
    assert cache.get(Key(2)) == 2
    compared(lambda: None)
    assert todo == []
    whole(cache)


@pytest.mark.parametrize("way", ["clear", "resize"])
def test_a_table_made_anew_in_another_order_while_keys_are_compared_is_searched_anew(way, compared, whole):
    """It has seen as many changes as the one before, and the key that is compared has its old entry in it."""

    def change():
        if way == "clear":
            cache.clear()
            cache.put_many([(last, 3), (middle, 2), (first, 1)])
        else:
            cache.get_many([middle, first])  # leaves the last one as the oldest
            cache.resize(9)

    first, middle, last = keys = Key(1), Key(2), Key(3)
    cache = PriceCache(10)
    cache.put_many(zip(keys, (1, 2, 3), strict=True))
    todo = [change, lambda: None]  # the second comparison changes it
    compared(lambda: todo.pop()() if todo else None)
    assert cache.get(Key(3)) == 3
    compared(lambda: None)
    assert todo == []
    whole(cache)


def test_a_comparison_may_leave_a_cache_that_ends_long_before_the_key_that_is_compared(compared, whole):
    """Its entry would lie megabytes behind the new, small block."""
    cache = PriceCache(1_000_000)
    cache.put_many((i, i) for i in range(1_000, 300_000))
    cache.put(Key(1), "one")
    cache.put("last", 1)
    compared(lambda: cache.resize(1) if cache.capacity > 1 else None)
    assert cache.get(Key(1)) is None
    compared(lambda: None)
    assert cache.items() == [("last", 1)]
    whole(cache)


def test_the_cache_may_go_on_without_the_key_that_is_compared(compared, whole):
    """The last reference to a stored key goes while it is compared."""
    cache = PriceCache(10)
    cache.put(Key(1), "one")
    seen = weakref.ref(cache.keys()[0])

    def clear():
        cache.clear()
        gc.collect()

    compared(clear)
    assert cache.get(Key(1)) is None
    compared(lambda: None)
    assert seen() is None
    whole(cache)


def test_a_str_and_its_subclass_are_one_key(whole):
    class Name(str):
        __slots__ = ()

    cache = PriceCache(4)
    cache.put(Name("A"), 1)
    assert cache.get("A") == 1
    cache.put("A", 2)
    assert (cache.get(Name("A")), len(cache), type(cache.keys()[0])) == (2, 1, Name)
    whole(cache)


def test_equal_numbers_are_one_key():
    cache = PriceCache(4)
    cache.put(1, "int")
    cache.put(1.0, "float")
    cache.put(True, "bool")
    assert cache.items() == [(1, "bool")]


def test_strings_of_every_width_are_told_apart(whole):
    names = ["a", "\xe4", "ሴ", "\U0001f600"]
    cache = PriceCache(100)
    for name in names:
        for length in (0, 1, 2, 17):
            cache.put(name * length, (name * length))
    assert sorted(cache.keys()) == sorted({name * length for name in names for length in (0, 1, 2, 17)})
    assert all(cache.get("".join(list(key))) == key for key in cache)
    whole(cache)


def test_keys_and_values_live_as_long_as_their_entry():
    class Value:
        pass

    key, value = ("key", object()), Value()
    counts = sys.getrefcount(key), sys.getrefcount(value)
    cache = PriceCache(2)
    cache.put(key, value)
    for _ in range(3):
        assert cache.get(key) is value
        cache.put(key, value)
        cache.setdefault(key, None)
        cache.items(), cache.keys(), cache.values(), cache.peek(key), cache.get_many([key])
    assert (sys.getrefcount(key), sys.getrefcount(value)) == (counts[0] + 1, counts[1] + 1)
    cache.resize(5)
    cache.put("other", 1)
    for leave in (cache.delete, cache.pop):
        cache.put(key, value)
        leave(key)
        assert (sys.getrefcount(key), sys.getrefcount(value)) == counts
    for leave in (cache.clear, cache.popitem):
        cache.clear()
        cache.put(key, value)
        leave()
        assert (sys.getrefcount(key), sys.getrefcount(value)) == counts
    cache.put(key, value)
    del cache, leave
    assert (sys.getrefcount(key), sys.getrefcount(value)) == counts


def test_the_collector_sees_through_a_cache():
    class Value:
        pass

    cache, value = PriceCache(4), Value()
    value.cache = cache
    cache.put("A", value)
    cache.put(value, 1)
    seen = weakref.ref(value)
    del cache, value
    gc.collect()
    assert seen() is None


def test_a_value_whose_end_uses_the_cache_finds_it_whole(whole):
    class Last:
        def __del__(self):
            cache.put("written by the end of a value", cache.get("A"))
            whole(cache)

    cache = PriceCache(2)
    cache.put("A", 1)
    for call in (
        lambda: cache.put("L", 0),
        lambda: cache.put_many([("M", 0), ("N", 0), ("A", 1)]),
        lambda: cache.delete("L"),
        lambda: cache.clear(),
        lambda: (cache.put("A", 1), cache.resize(1)),
    ):
        cache.resize(2)
        cache.put("L", Last())
        call()
        assert "written by the end of a value" in cache
        whole(cache)


@pytest.mark.parametrize(
    "make",
    [
        int,
        float,
        lambda n: n << 48,
        lambda n: n << 40 | 7,
        lambda n: n << 32 | n,
        lambda n: n * 10**9,
        lambda n: n / 1024,
        lambda n: 4_500 + n / 4,
        lambda n: -n,
        "SYM{}".format,
        lambda n: (n, "x"),
    ],
)
def test_keys_of_any_regular_kind_stand_near_their_homes(make):
    """The half of the places that is empty lies between them; in one long row each search would pass thousands."""
    cache = PriceCache(4_096)
    for number in range(4_096):
        cache.put(make(number), number)
    assert native_module("caches").longest_way(cache) < 128


def test_strings_whose_hashes_agree_in_the_part_that_is_kept_are_told_apart(whole):
    """32 bits of 64 are: some of 300,000 strings have them in common with another one."""
    first, pairs = {}, []
    for number in range(300_000):
        name = f"SYM{number}"
        unsigned = hash(name) % 2**64
        tag = (unsigned ^ unsigned >> 32) * 0x9E3779B97F4A7C15 % 2**64 >> 32
        if tag in first:
            pairs.append((first[tag], name))
        first[tag] = name
    cache = PriceCache(1_000)
    for one, other in pairs[:100]:
        cache.put(one, one)
        assert cache.get(other) is None
        cache.put(other, other)
        assert (cache.get(one), cache.get(other)) == (one, other)
    whole(cache)
