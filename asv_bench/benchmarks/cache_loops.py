"""The loops over a cache: hits, puts that evict, and both as a service with a few hot instruments has them."""

import random
from itertools import cycle, islice

import pricecore

from .measured import SYMBOLS, Loop, measured

CAPACITY = 1_000
VALUE = (1.0, 2.0, 3, 0.5)


def skewed(keys: int, count: int) -> list[str]:
    """Return so many keys, each as often as Zipf's law with exponent 0.99 has it: the same ones on every call."""
    names = [f"VENUE:SYM{i}" for i in range(keys)]
    return random.Random(8).choices(names, [1 / (i + 1) ** 0.99 for i in range(keys)], k=count)


def hits(ttl_s: float | None) -> Loop:
    cache = pricecore.PriceCache(CAPACITY, ttl_s=ttl_s)
    cache.put_many((symbol, VALUE) for symbol in SYMBOLS)
    call, keys = cache.get, cycle(SYMBOLS)

    def loop(n: int) -> None:
        for key in islice(keys, n):
            call(key)

    return loop


def puts(ttl_s: float | None) -> Loop:
    """Each makes another one leave."""
    cache = pricecore.PriceCache(CAPACITY, ttl_s=ttl_s)
    names = [f"VENUE:SYM{i}" for i in range(2 * CAPACITY)]
    cache.put_many((name, VALUE) for name in names)
    call, keys, value = cache.put, cycle(names), VALUE

    def loop(n: int) -> None:
        for key in islice(keys, n):
            call(key, value)

    return loop


@measured()
def cache_get() -> Loop:
    return hits(None)


@measured()
def cache_get_timed() -> Loop:
    """Of entries that expire, in an hour."""
    return hits(3600.0)


@measured()
def cache_put() -> Loop:
    return puts(None)


@measured()
def cache_put_timed() -> Loop:
    return puts(3600.0)


@measured(calls=10_000)
def cache_mixed() -> Loop:
    """Get, and put what is not there: 10,000 keys, 1,000 of them kept."""
    cache = pricecore.PriceCache(CAPACITY)
    keys = cycle(skewed(10_000, 40_000))
    get, put, value = cache.get, cache.put, VALUE

    def loop(n: int) -> None:
        for key in islice(keys, n):
            if get(key) is None:
                put(key, value)

    return loop
