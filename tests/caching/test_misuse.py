"""Bad parameters, and what a cache says of itself."""

import copy
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, MutableMapping
from decimal import Decimal

import numpy as np
import pytest
from helpers.rooms import native_module

import pricecore
from pricecore import CacheStats, PriceCache
from pricecore.caching import price_cache, store


@pytest.mark.parametrize("capacity", [0, -1, 2**30 + 1, 2**70, -(2**70)])
def test_a_capacity_out_of_range_is_refused_with_its_value(capacity):
    with pytest.raises(ValueError, match=f"capacity is {capacity}; it must lie between 1 and"):
        PriceCache(capacity)
    cache = PriceCache(2)
    cache.put("A", 1)
    with pytest.raises(ValueError, match=f"capacity is {capacity}; it must lie between 1 and"):
        cache.resize(capacity)
    assert (cache.capacity, cache.items()) == (2, [("A", 1)])


@pytest.mark.parametrize("capacity", [1.0, "10", None, True])
def test_a_capacity_that_is_no_int_is_refused(capacity):
    with pytest.raises(TypeError, match="capacity must be an int"):
        PriceCache(capacity)


@pytest.mark.parametrize("ttl_s", [0, -1.0, math.nan, math.inf, -math.inf, 1e10, 10**400, -(10**400)])
def test_a_ttl_out_of_range_is_refused_and_nothing_stored(ttl_s):
    with pytest.raises(ValueError, match=f"ttl_s is {ttl_s}; it must be above 0 and at most 1e"):
        PriceCache(2, ttl_s=ttl_s)
    cache = PriceCache(2)
    with pytest.raises(ValueError, match=f"ttl_s is {ttl_s}; "):
        cache.put("A", 1, ttl_s)
    with pytest.raises(ValueError, match=f"ttl_s is {ttl_s}; "):
        cache.put_many([("A", 1)], ttl_s=ttl_s)
    assert len(cache) == 0


@pytest.mark.parametrize("ttl_s", ["1", True, [], 1j, Decimal(1)])
def test_a_ttl_that_is_no_number_is_refused(ttl_s):
    with pytest.raises(TypeError, match="ttl_s must be a number of seconds"):
        PriceCache(2, ttl_s=ttl_s)


@pytest.mark.parametrize("name", ["loader", "on_evict"])
def test_what_cannot_be_called_is_refused(name):
    with pytest.raises(TypeError, match=f"{name} must be callable"):
        PriceCache(2, **{name: 3})


@pytest.mark.parametrize(
    "call",
    [
        lambda cache: cache.get(),
        lambda cache: cache.get("A", 1, 2),
        lambda cache: cache.get("A", other=1),
        lambda cache: cache.put("A"),
        lambda cache: cache.put("A", 1, 2.0, 3),
        lambda cache: cache.put(key="A"),
        lambda cache: cache.pop(),
        lambda cache: cache.pop("A", 1, 2),
        lambda cache: cache.put_many(3),
        lambda cache: cache.put_many([1]),
        lambda cache: PriceCache(2, 3.0),
    ],
)
def test_wrong_arguments_are_type_errors(call):
    with pytest.raises(TypeError):
        call(PriceCache(2))


def test_arguments_may_come_by_name():
    cache = PriceCache(capacity=2)
    cache.put(key="A", value=1, ttl_s=5.0)
    cache.put("B", ttl_s=None, value=2)
    assert (cache.get(key="A"), cache.get("C", default=3), cache.get(default=4, key="B")) == (1, 3, 2)


def test_it_has_what_a_mapping_has():
    cache = PriceCache(3)
    assert isinstance(cache, MutableMapping)
    missing = {name for name in dir(MutableMapping) if not name.startswith("_")} - set(dir(cache))
    assert not missing
    cache["A"] = 1
    cache.update({"B": 2}, C=3)
    assert (cache["B"], list(cache), dict(cache)) == (2, ["B", "C", "A"], {"B": 2, "C": 3, "A": 1})
    del cache["A"]
    for call in (lambda: cache["A"], lambda: cache.pop("A"), lambda: cache.__delitem__("A")):
        with pytest.raises(KeyError, match="'A'"):
            call()
    assert not issubclass(Mapping, PriceCache)


def test_none_may_be_a_value():
    cache = PriceCache(3)
    cache.put("A", None)
    assert ("A" in cache, cache.get("A", 1), cache.pop("A", 1), cache.get_many(["A"])) == (True, None, None, {})


def test_numbers_of_numpy_are_taken():
    cache = PriceCache(np.int64(3), ttl_s=np.float32(2.0))
    cache.put(np.int64(7), np.float64(1.5))
    assert (cache.capacity, cache.ttl_s, cache.get(7)) == (3, 2.0, 1.5)


def test_a_cache_shows_its_size_and_does_not_copy():
    cache = PriceCache(1_000)
    cache.put("A", 1)
    assert repr(cache) == "<PriceCache of 1 entries, at most 1,000>"
    for call in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="does not pickle"):
            call(cache)


def test_what_stands_for_departed_entries_does_no_harm_alone():
    departed = price_cache.Departed()
    departed.release()
    departed.release()


def test_figures_add_up():
    cache = PriceCache(2, loader=lambda key: 1)
    assert cache.stats().hit_rate == 0.0
    cache.put_many([("A", 1), ("B", 2), ("C", 3)])
    found = [cache.get(key) for key in "ABBC"]
    assert found == [None, 2, 2, 3]
    stats = cache.stats()
    assert isinstance(stats, CacheStats)
    assert (stats.capacity, stats.size, stats.hits, stats.misses, stats.hit_rate) == (2, 2, 3, 1, 0.75)
    cache.reset_stats()
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.evictions["capacity"], stats.loads, stats.size) == (0, 0, 0, 0, 2)


def test_memory_for_an_entry_is_at_most_64_bytes_and_16_for_its_time():
    for capacity in (1_000, 10_000, 65_536, 1_000_000):
        cache = PriceCache(capacity)
        assert sys.getsizeof(cache) <= capacity * 64 + 1_500
        cache.put("A", 1, 5.0)
        assert sys.getsizeof(cache) <= capacity * 80 + 12_000


@pytest.mark.skipif("PRICECORE_SANITIZE" in os.environ, reason="a sanitizer needs terabytes of address space")
def test_a_cache_too_large_for_the_memory_is_a_memory_error():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))\n"
        "import pricecore\n"
        "try:\n    pricecore.PriceCache(2**30)\nexcept MemoryError as error:\n    print(error)\n"
        "cache = pricecore.PriceCache(2**24)\ncache.put('A', 1)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))\n"
        "for call in (lambda: cache.resize(2**25), cache.clear, lambda: cache.put('B', 1, 5.0)):\n"
        "    try:\n        call()\n    except MemoryError as error:\n        print(error)\n"
        "print(cache.items())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "no memory for a cache of 1,073,741,824 entries",
        "no memory for a cache of 33,554,432 entries",
        "no memory to clear a cache of 16,777,216 entries",
        "no memory for the times at which 16,777,216 entries expire",
        "[('A', 1)]",
    ]


def test_a_cache_that_lives_until_the_interpreter_ends_does_no_harm():
    code = (
        "import pricecore, sys\n"
        "class Last:\n    def __del__(self): cache and cache.put('last', 1)\n"
        "def told(*told): cache.get('A')\n"
        "cache = pricecore.PriceCache(2, ttl_s=1e-6, loader=lambda key: Last(), on_evict=told)\n"
        "for i in range(10): cache.get_or_load(i)\n"
        "pricecore.keep = cache; sys.keep = cache; print('end')\n"
    )
    done = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_it_is_an_export_of_the_package():
    assert pricecore.PriceCache is PriceCache
    assert PriceCache[str, float]


def test_c_code_gets_and_puts_by_the_same_functions():
    cache = PriceCache(2)
    assert native_module("caches").put_and_get(cache, "A", 1.5) == 1.5
    assert (cache.get("A"), cache.stats().hits) == (1.5, 2)


def test_get_and_put_take_their_arguments_as_they_come():
    """Where this is not so they are only slower; here it must be."""
    assert store._put_before == {"get": True, "put": True}
