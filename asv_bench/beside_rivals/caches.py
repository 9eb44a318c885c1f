"""The cache beside other caches that keep the most recently used entries."""

import argparse
import random
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from importlib import import_module
from threading import Lock
from typing import Any

from across_processes.report import Row

import pricecore

from .rounds import Body, medians

KEYS, CAPACITY, DRAWN = 100_000, 10_000, 200_000
MIXED_LIMIT, HIT_LIMIT, PUT_LIMIT, MEMORY_LIMIT, STALL_LIMIT_MS = 0.9, 0.9, 1.0, 1.0, 1.0
VALUE = (1.0, 2.0, 3, 0.5)
Cache = tuple[Callable[[str], Any], Callable[[str, Any], Any]]
"""Get and put."""

FILL = """
import sys
from pathlib import Path
def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
n, package, name = int(sys.argv[1]), *sys.argv[2:4]
keys, value = [f"VENUE:SYM{i}" for i in range(n)], (1.0, 2.0)
cache = getattr(__import__(package), name)(n)
before = resident()
for key in keys:
    cache[key] = value
print((resident() - before) / n)
"""


class LockedCachetools:
    """cachetools asks its users for a lock."""

    def __init__(self, capacity: int) -> None:
        self.cache = import_module("cachetools").LRUCache(capacity)
        self.lock = Lock()

    def get(self, key: str) -> Any:
        with self.lock:
            return self.cache.get(key)

    def put(self, key: str, value: Any) -> None:
        with self.lock:
            self.cache[key] = value


class LockedOrderedDict:
    """What the standard library has for it."""

    def __init__(self, capacity: int) -> None:
        self.entries: OrderedDict[str, Any] = OrderedDict()
        self.capacity, self.lock = capacity, Lock()

    def get(self, key: str) -> Any:
        with self.lock:
            if key not in self.entries:
                return None
            self.entries.move_to_end(key)
            return self.entries[key]

    def put(self, key: str, value: Any) -> None:
        with self.lock:
            self.entries[key] = value
            self.entries.move_to_end(key)
            if len(self.entries) > self.capacity:
                self.entries.popitem(last=False)


def candidates() -> dict[str, Cache]:
    """Return ours and, of the others, those that are installed."""
    ours, ordered = pricecore.PriceCache(CAPACITY), LockedOrderedDict(CAPACITY)
    found: dict[str, Cache] = {"ours": (ours.get, ours.put), "OrderedDict + Lock": (ordered.get, ordered.put)}
    for name, package, make in (
        ("cachebox.LRUCache", "cachebox", "LRUCache"),
        ("lru-dict LRU", "lru", "LRU"),
    ):
        try:
            cache = getattr(import_module(package), make)(CAPACITY)
        except ImportError:
            continue
        found[name] = (cache.get, cache.__setitem__)
    try:
        locked = LockedCachetools(CAPACITY)
    except ImportError:
        return found
    return found | {"cachetools + Lock": (locked.get, locked.put)}


def mixed(cache: Cache, keys: list[str]) -> Body:
    """Get, and put what is not there."""

    def body() -> None:
        get, put = cache
        for key in keys:
            if get(key) is None:
                put(key, VALUE)

    return body


def hits(cache: Cache, keys: list[str]) -> Body:
    def body() -> None:
        get, _ = cache
        for key in keys:
            get(key)

    return body


def puts(cache: Cache, keys: list[str]) -> Body:
    def body() -> None:
        _, put = cache
        for key in keys:
            put(key, VALUE)

    return body


def loop_over(keys: list[str]) -> Body:
    def body() -> None:
        for _key in keys:
            pass

    return body


def hit_rate(keys: list[str]) -> float:
    """Return the hit rate over the second half of a sequence of keys; the first half is to warm up."""
    cache = pricecore.PriceCache(CAPACITY)
    mixed((cache.get, cache.put), keys[: len(keys) // 2])()
    cache.reset_stats()
    mixed((cache.get, cache.put), keys[len(keys) // 2 :])()
    return cache.stats().hit_rate


def bytes_an_entry(package: str, name: str, entries: int) -> float:
    """Return by how much a process grows with each entry, without key and value."""
    command = [sys.executable, "-c", FILL, str(entries), package, name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def longest_call_ms(entries: int) -> float:
    """Return the CPU time of the longest put while so many entries expire together: the least of three runs."""
    return min(longest_call_once_ms(entries) for _ in range(3))


def longest_call_once_ms(entries: int) -> float:
    cache = pricecore.PriceCache(entries + 1, ttl_s=60.0)
    for i in range(entries):
        cache.put(i, VALUE)
    cache._pass_time(61.0)
    clock, longest_ns = time.thread_time_ns, 0
    while len(cache) > 1:
        begin_ns = clock()
        cache.put("new", VALUE)
        longest_ns = max(longest_ns, clock() - begin_ns)
    return longest_ns / 1e6


def rows(args: argparse.Namespace) -> Iterator[Row]:
    rounds = 1 if args.quick else 20
    names = [f"SYM{i}" for i in range(KEYS)]
    drawn = random.Random(8).choices(names, [1 / (i + 1) ** 0.99 for i in range(KEYS)], k=DRAWN)
    hot = drawn[-1_000:]
    caches = candidates()
    work = {
        "mixed": (mixed, drawn, MIXED_LIMIT, "PriceCache: Zipf, get, put on a miss"),
        "hit": (hits, hot, HIT_LIMIT, "PriceCache.get, a hit"),
        "put": (puts, names[:50_000], PUT_LIMIT, "PriceCache.put that evicts"),
    }
    for make, keys, limit, figure in work.values():
        for cache in caches.values():
            mixed(cache, keys)()
        bodies = {name: make(cache, keys) for name, cache in caches.items()}
        times = medians({"loop": loop_over(keys)} | bodies, rounds, operations=len(keys))
        ours = times.pop("ours")
        for name, theirs in times.items():
            yield Row(figure, "ns", ours, name, theirs, limit if name == "cachebox.LRUCache" else None)
    yield Row("PriceCache: hit rate", "", hit_rate(drawn))
    yield from memory_rows(10_000 if args.quick else 1_000_000, "lru-dict LRU" in caches)
    entries = 10_000 if args.quick else 1_000_000
    yield Row("PriceCache: longest call as all expire", "ms", longest_call_ms(entries), limit=STALL_LIMIT_MS)


def memory_rows(entries: int, beside_lru_dict: bool) -> Iterator[Row]:
    ours = bytes_an_entry("pricecore", "PriceCache", entries)
    if beside_lru_dict:
        theirs = bytes_an_entry("lru", "LRU", entries)
        yield Row("PriceCache: memory, an entry", "B", ours, "lru-dict LRU", theirs, MEMORY_LIMIT)
    else:
        yield Row("PriceCache: memory, an entry", "B", ours)
