"""Many threads on one cache: nothing torn, nothing lost, and the cache stays whole."""

import random
import threading
from functools import partial

import pytest
from helpers.threads import run_threads

from pricecore import PriceCache

THREADS, ROUNDS = 4, 15_000


class Pair:
    """A key whose comparison lets other threads run."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number % 7

    def __eq__(self, other):
        sum(range(3))
        return isinstance(other, Pair) and self.number == other.number


MAKERS = {"str": "key {}".format, "int": int, "tuple": lambda n: (n, "x"), "slow": Pair}


def anything(cache, make, chance, rounds):
    """Do random things; a value always says its key."""
    for _ in range(rounds):
        number, what = chance.randrange(60), chance.random()
        key = make(number)
        if what < 0.5:
            assert cache.get(key, number) == number
        elif what < 0.8:
            cache.put(key, number, chance.choice([None, None, 1e-6, 100.0]))
        elif what < 0.9:
            assert cache.pop(key, number) == number
        elif what < 0.94:
            assert cache.setdefault(key, number) == number
        elif what < 0.96:
            assert all(make(value) == key for key, value in cache.items())
        elif what < 0.97:
            cache.resize(chance.randrange(1, 50))
        elif what < 0.975:
            cache.clear()
        else:
            assert cache.peek(key, number) == number


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("tells", [False, True])
def test_threads_that_do_anything_leave_a_whole_cache(kind, tells, whole):
    told = []
    rounds = ROUNDS // 10 if kind == "slow" else ROUNDS
    cache = PriceCache(30, on_evict=(lambda *entry: told.append(entry)) if tells else None)
    run_threads(THREADS, lambda index: anything(cache, MAKERS[kind], random.Random(index), rounds))
    whole(cache)
    assert len(cache.items()) <= len(cache) <= cache.capacity
    if tells:
        assert len(told) == sum(cache.stats().evictions.values())


def test_no_count_is_lost():
    cache = PriceCache(100)
    cache.put_many([(i, i) for i in range(100)])

    def work(index):
        for i in range(ROUNDS):
            assert cache.get(i % 100) == i % 100
            assert cache.get("absent") is None

    run_threads(THREADS, work)
    stats = cache.stats()
    assert (stats.hits, stats.misses) == (THREADS * ROUNDS, THREADS * ROUNDS)


def test_what_is_put_and_not_evicted_is_not_lost(whole):
    cache = PriceCache(THREADS * ROUNDS)
    run_threads(THREADS, lambda index: [cache.put((index, i), i) for i in range(ROUNDS)])
    assert len(cache) == THREADS * ROUNDS
    assert sorted(cache) == [(index, i) for index in range(THREADS) for i in range(ROUNDS)]
    assert sum(cache.stats().evictions.values()) == 0


def test_every_entry_that_left_was_told_once():
    told, lock = {}, threading.Lock()

    def leave(key, value, reason):
        with lock:
            told[key] = told.get(key, 0) + 1

    cache = PriceCache(50, on_evict=leave)
    run_threads(THREADS, lambda index: [cache.put((index, i), i) for i in range(ROUNDS)])
    cache.clear()
    assert len(told) == THREADS * ROUNDS
    assert set(told.values()) == {1}


def test_all_threads_get_the_value_that_setdefault_stored():
    for _ in range(200):
        cache = PriceCache(4)
        got = run_threads(2, partial(cache.setdefault, "A"))
        assert len(set(got)) == 1
        assert cache.get("A") == got[0]


def test_many_threads_load_many_keys_once_each():
    calls, lock = [], threading.Lock()

    def load(key):
        with lock:
            calls.append(key)
        return key

    cache = PriceCache(2_000, loader=load)
    answers = run_threads(THREADS, lambda index: [cache.get_or_load(i) for i in range(2_000)])
    assert answers == [list(range(2_000))] * THREADS
    assert sorted(calls) == list(range(2_000))
    assert cache.stats().loads == 2_000


class Prices:
    """A source whose prices only rise; each thread changes its own ones."""

    def __init__(self, count):
        self.prices = [0] * count

    def __call__(self, number):
        return self.prices[number]

    def change(self, number):
        self.prices[number] += 1
        return self.prices[number]


@pytest.mark.parametrize(
    "change",
    [
        lambda cache, key, newest: cache.delete(key),
        lambda cache, key, newest: cache.put(key, newest),
        lambda cache, key, newest: cache.pop(key, None),
        lambda cache, key, newest: cache.clear(),
    ],
)
def test_what_was_changed_is_never_older_again(change, whole):
    """Others load all keys meanwhile: a load that began before the change must not be stored after it."""
    source = Prices(4 * THREADS)
    cache = PriceCache(100, loader=source)

    def work(index):
        chance = random.Random(index)
        for _ in range(ROUNDS // 10):
            own = index * 4 + chance.randrange(4)
            newest = source.change(own)
            change(cache, own, newest)
            cache.get_or_load(chance.randrange(4 * THREADS))
            assert cache.get_or_load(own) == newest

    run_threads(THREADS, work)
    whole(cache)


def test_threads_that_do_everything_at_once_leave_a_whole_cache(whole):
    """Loads, times to live, resizing, warming and figures besides."""
    told = []
    cache = PriceCache(40, ttl_s=0.001, loader=lambda key: key, on_evict=lambda *entry: told.append(entry))

    def work(index):
        chance = random.Random(index)
        for step in range(ROUNDS // 10):
            key = chance.randrange(80)
            assert cache.get_or_load(key) == key
            cache.put(key, key, chance.choice([None, 1e-6, 0.002]))
            assert cache.get(key, key) == key
            assert 0 <= len(cache) <= 60
            if step % 50 == index:
                cache.resize(chance.randrange(1, 60))
                assert cache.warm(range(10), workers=2).errors == {}
            if step % 20 == 0:
                cache.delete(key)
                stats = cache.stats()
                assert 0 <= stats.size <= 60
                assert repr(cache)

    run_threads(THREADS, work)
    whole(cache)
    stats = cache.stats()
    assert len(told) == sum(stats.evictions.values())
    assert stats.load_errors == 0
