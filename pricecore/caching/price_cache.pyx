"""`PriceCache`: keys to values in bounded memory, the most recently used ones, in front of something slow."""

cimport cython
from cpython.object cimport PyObject

from pricecore.caching.core cimport (
    LEFT_CAPACITY, LEFT_DELETED, LEFT_EXPIRED, LEFT_REASONS, Removed, count_up, counted_size, hold, let_go, nobody,
    size_of,
)
from pricecore.caching.store cimport quick_get
from pricecore.metrics.latency cimport LatencyBuffer
from pricecore.primitives.atomics cimport load_relaxed, store_relaxed

from collections.abc import MutableMapping
from types import GenericAlias

from pricecore.caching.absent import Absent
from pricecore.caching.cache_stats import CacheStats
from pricecore.caching.limits import check_callable
from pricecore.caching.loads import Loads
from pricecore.caching.warming import warm
from pricecore.metrics.summary import LatencyStats


cdef enum:
    LATENCIES = 1_000               # of the last loads


@cython.final
cdef class Departed:
    """What a stored load made leave: released when no lock is held any more, because that runs Python."""

    def release(self):
        cdef Removed removed = self.removed
        nobody(&self.removed)
        if self.cache is not None:
            self.cache.release(&removed)


cdef class PriceCache(CacheMapping):
    """The most recently used values by key, at most `capacity` of them; what is not there can be loaded.

    Parameters
    ----------
    capacity : int
        Entries to keep, 1 to 2^30. One more makes the entry longest unused leave.
    ttl_s : float, optional
        Seconds until an entry expires, above 0 and at most 1e9, by the monotonic clock; None: never. `put` may say
        otherwise for its entry.
    loader : callable, optional
        Called as ``loader(key)`` by `get_or_load`, `aget_or_load` and `warm`; may be an ``async def``. None that it
        returns means that there is no such thing: it is handed on and not stored.
    on_evict : callable, optional
        Called as ``on_evict(key, value, reason)`` when an entry has left, `reason` being "capacity", "expired" or
        "deleted", not when `put` replaces a value. It may use the cache. What it raises is logged and counted, and
        does not reach who happened to call.

    Raises
    ------
    ValueError, TypeError
        A parameter is out of its range, or of a wrong type. MemoryError: no memory for so many entries.

    Notes
    -----
    Of a mapping it has all methods; `keys`, `values` and `items` are lists, the most recently used first. An entry
    that has expired is not there for any call but `len`: it leaves when it is asked for, and a few of them (at most 8)
    leave in any other call, so that no call has to wait until a million are gone.

    Threads: any method from any thread. With the GIL, a call is one step for str keys; for others their ``__eq__`` may
    let threads in, and the search is repeated if one of them changed the cache. Without a GIL calls take turns; where
    several threads call without a pause, each has the cache for some ms.
    Cost: 48 to 64 bytes an entry, reserved at once and used as entries come; 16 more once one of them expires. No call
    for one entry allocates.

    Examples
    --------
    >>> from pricecore import PriceCache
    >>> cache = PriceCache(2, loader=str.lower)
    >>> cache.put("A", 1.5)
    >>> cache.get("A"), cache.get("B"), cache.get_or_load("C")
    (1.5, None, 'c')
    >>> cache.put("D", 4.0)
    >>> cache.items()
    [('D', 4.0), ('C', 'c')]
    >>> cache.stats().evictions
    {'capacity': 1, 'expired': 0, 'deleted': 0}
    """

    def __init__(self, capacity, *, ttl_s=None, loader=None, on_evict=None):
        if check_callable("loader", loader) is not None and self.loads is None:
            self.load_latency = LatencyBuffer(LATENCIES)
            self.loads = Loads(self, loader)

    def get_or_load(self, key):
        """Return the value of a key; load and store it when it is not there.

        However many threads and tasks ask at once, the loader is called once, in one of their threads.

        Parameters
        ----------
        key : hashable

        Returns
        -------
        object
            None when the loader had None: that is not stored, and the next call asks it again.

        Raises
        ------
        Exception
            What the loader raised, in every call that waited for it; it is not stored.
        LoadRecursionError
            The loader asks for the key that it loads, itself or by way of others.
        RuntimeError
            The cache has no loader. TypeError: its loader is async.

        Notes
        -----
        When the key is put, deleted or cleared while it is loaded, the loaded value is returned to those who asked
        before, and not stored.

        Threads: any. Cost: as `get` for what is there; else waits for the loader, holding nothing.
        """
        value = quick_get(self, <PyObject*>key, Absent)
        if value is not Absent:
            return value
        return loads_of(self).load(key)

    def aget_or_load(self, key):
        """As `get_or_load`, to be awaited in a task. An async loader runs in a task of its own, any other in the loop's
        default executor: a task that is cancelled while it waits leaves the load to the others.

        Threads: any event loop; several loops and threads may wait for one load. Cost: as `get_or_load`.
        """
        return answer(self, key)

    def warm(self, keys, workers=8, progress=None):
        """Load all of these keys that are not there, several at once.

        Parameters
        ----------
        keys : iterable
        workers : int
            Threads that load, 1 to 1,024.
        progress : callable or True, optional
            Called in this thread as ``progress(done, total)``, at most ten times a second and once at the end. True:
            a line on stderr, if that is a terminal.

        Returns
        -------
        WarmReport
            How many were loaded, present and absent, and the errors by key: a key that fails does not end the rest.

        Raises
        ------
        RuntimeError
            The cache has no loader. TypeError: its loader is async; await ``asyncio.gather`` of `aget_or_load` instead.

        Threads: any. Cost: waits until all are loaded; of more keys than the capacity the first ones have left again.
        """
        if loads_of(self).is_async:
            raise TypeError("warm() runs loaders in threads, and this one is async: gather aget_or_load(key) instead")
        return warm(self, keys, workers, progress)

    def stats(self):
        """Return the figures of this moment as CacheStats.

        Threads: any; what others count meanwhile may be in or not. Cost: copies 1,000 latencies of loads, if any.
        """
        hits, misses = load_relaxed(&self.counts.hits), load_relaxed(&self.counts.misses)
        return CacheStats(
            capacity=load_relaxed(&self.counts.capacity),
            size=size_of(self),
            hits=hits,
            misses=misses,
            hit_rate=hits / (hits + misses) if hits + misses else 0.0,
            evictions={
                "capacity": load_relaxed(&self.counts.left[LEFT_CAPACITY]),
                "expired": load_relaxed(&self.counts.left[LEFT_EXPIRED]),
                "deleted": load_relaxed(&self.counts.left[LEFT_DELETED]),
            },
            loads=load_relaxed(&self.counts.loads),
            load_errors=load_relaxed(&self.counts.load_errors),
            load_latency=LatencyStats() if self.load_latency is None else self.load_latency.stats(),
            callback_errors=load_relaxed(&self.counts.callback_errors),
        )

    def reset_stats(self):
        """Begin all counts at 0 again; the entries stay.

        Threads: any. Cost: no more than a call.
        """
        cdef int reason
        hold(self)
        store_relaxed(&self.counts.inserted, counted_size(&self.counts))
        store_relaxed(&self.counts.hits, 0)
        store_relaxed(&self.counts.misses, 0)
        store_relaxed(&self.counts.callback_errors, 0)
        store_relaxed(&self.counts.loads, 0)
        store_relaxed(&self.counts.load_errors, 0)
        for reason in range(LEFT_REASONS):
            store_relaxed(&self.counts.left[reason], 0)
        let_go(self)
        if self.load_latency is not None:
            self.load_latency.reset()

    @property
    def loader(self):
        """What `get_or_load` calls; None: nothing."""
        return None if self.loads is None else self.loads.loader

    def _set_loading(self, count):
        """How many loads are under way."""
        store_relaxed(&self.loading, count)

    def _count_load(self, latency_ns, failed):
        """A load has ended."""
        self.load_latency.record(latency_ns)
        hold(self)
        count_up(&self.counts.loads)
        if failed:
            count_up(&self.counts.load_errors)
        let_go(self)

    def _store_loaded(self, key, value):
        """Store what was loaded; whatever leaves for it is released by the caller."""
        cdef Departed departed = Departed.__new__(Departed)
        departed.cache = self
        nobody(&departed.removed)
        self.place(<PyObject*>key, <PyObject*>value, self.ttl_ns, &departed.removed)
        return departed

    __class_getitem__ = classmethod(GenericAlias)

    def __reduce__(self):
        raise TypeError("a cache does not pickle: make one in each process, and fill it from items()")

    def __repr__(self):
        return f"<{type(self).__name__} of {size_of(self):,} entries, at most {self.capacity:,}>"


MutableMapping.register(PriceCache)


cdef object loads_of(PriceCache cache):
    if cache.loads is None:
        raise RuntimeError("this cache has no loader: make it with PriceCache(capacity, loader=...), or put values")
    return cache.loads


async def answer(cache, key):
    """What `aget_or_load` returns is awaited here; asyncio is imported with the first load."""
    value = cache.get(key, Absent)
    if value is Absent:
        loads = loads_of(cache)
        from pricecore.caching import async_loads

        value = await async_loads.load(loads, key)
    return value
