"""Level 3: one load a key, however many threads and tasks ask for it.

A load under way is a `Flight`; whoever asks for its key meanwhile waits for it. A flight that is forgotten (its key was
put, deleted or cleared meanwhile) still answers those who wait, but its value is not stored, and who asks from then on
starts another. Each flight knows which flights its loader waits for: a circle would wait for ever, and raises instead.
"""

import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import isawaitable, iscoroutinefunction
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pricecore.caching.absent import Absent
from pricecore.errors import LoadRecursionError

if TYPE_CHECKING:
    from pricecore.caching.price_cache import PriceCache

_live: "weakref.WeakSet[Loads]" = weakref.WeakSet()


class AbandonedError(Exception):
    """The load ended without an answer: its task was cancelled, or its thread interrupted. Those who wait try again."""


class Flight:
    """One load under way."""

    __slots__ = ("future", "key", "task", "waits_for")

    def __init__(self, key: Hashable) -> None:
        from concurrent.futures import Future

        self.key = key
        self.future: Future[Any] = Future()
        self.future.set_running_or_notify_cancel()  # from here on nobody who waits can cancel it for the others
        self.waits_for: set[Flight] = set()
        self.task: object = None  # keeps an event loop's task alive

    def leads_to(self, other: "Flight") -> bool:
        """Whether this flight waits, through any others, for that one."""
        seen, todo = {self}, [self]
        while todo:
            flight = todo.pop()
            if flight is other:
                return True
            new = flight.waits_for - seen
            seen |= new
            todo += new
        return False


_current: ContextVar[Flight | None] = ContextVar("pricecore_load", default=None)


class Loads:
    """The loads of one cache.

    Threads: any method from any thread. Cost: a lock for a few dictionary operations, never while a loader runs.
    """

    def __init__(self, cache: "PriceCache[Any, Any]", loader: Callable[[Any], Any]) -> None:
        self.loader = loader
        self.is_async = iscoroutinefunction(loader) or iscoroutinefunction(getattr(loader, "__call__", None))  # noqa: B004
        self._cache = cache
        self._flights: dict[Hashable, Flight] = {}
        # A key's __eq__ runs within it, and may use the cache.
        self._lock = threading.RLock()
        _live.add(self)

    def load(self, key: Hashable) -> Any:
        """Return what the loader has for a key, loading it in this thread or waiting for the one that does."""
        if self.is_async:
            raise TypeError(f"the loader {self.loader!r} is async: await cache.aget_or_load(key)")
        while True:
            flight, is_mine, value = self._join(key)
            if flight is None:
                return value
            with self._waiting(flight):
                if is_mine:
                    return self.run(flight)
                try:
                    return flight.future.result()
                except AbandonedError:
                    continue

    def run(self, flight: Flight) -> Any:
        """Call the loader; what comes of it reaches everyone who waits, and the caller."""
        token = _current.set(flight)
        begin_ns = perf_counter_ns()
        try:
            value = self.loader(flight.key)
            if isawaitable(value):
                getattr(value, "close", bool)()
                raise TypeError(f"the loader {self.loader!r} returned an awaitable: define it by `async def`")
        except BaseException as error:
            self.fail(flight, error, begin_ns)
            raise
        finally:
            _current.reset(token)
        self.finish(flight, value, begin_ns)
        return value

    def _join(self, key: Hashable) -> tuple[Flight | None, bool, Any]:
        """Return the flight of a key and whether it was made here; or None and the value that is there by now."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                self._check_circle(flight)
                return flight, False, None
            value = self._cache.peek(key, Absent)
            if value is not Absent:
                return None, False, value
            flight = self._flights[key] = Flight(key)
            self._cache._set_loading(len(self._flights))
            return flight, True, None

    def _check_circle(self, flight: Flight) -> None:
        current = _current.get()
        if current is not None and flight.leads_to(current):
            raise LoadRecursionError(
                f"the load of {current.key!r} asks for {flight.key!r}, which waits for it: a loader must not ask the "
                f"cache for the key that it loads"
            )

    @contextmanager
    def _waiting(self, flight: Flight) -> Iterator[None]:
        """Let others know that the load in whose loader we are waits for this one."""
        current = _current.get()
        if current is None or current is flight:
            yield
            return
        with self._lock:
            self._check_circle(flight)
            current.waits_for.add(flight)
        try:
            yield
        finally:
            with self._lock:
                current.waits_for.discard(flight)

    def finish(self, flight: Flight, value: Any, begin_ns: int) -> None:
        departed = None
        with self._lock:
            self._cache._count_load(perf_counter_ns() - begin_ns, False)
            if self._remove(flight) and value is not None:
                departed = self._cache._store_loaded(flight.key, value)
        flight.future.set_result(value)
        if departed is not None:
            departed.release()

    def fail(self, flight: Flight, error: BaseException, begin_ns: int) -> None:
        """Hand an error to all who wait; what only ended this task or thread makes them load it themselves."""
        with self._lock:
            self._remove(flight)
            if isinstance(error, Exception):
                self._cache._count_load(perf_counter_ns() - begin_ns, True)
        if not isinstance(error, Exception):
            abandoned = AbandonedError()
            abandoned.__cause__ = error
            error = abandoned
        flight.future.set_exception(error)

    def _remove(self, flight: Flight) -> bool:
        """Whether the flight was not forgotten meanwhile."""
        if self._flights.get(flight.key) is not flight:
            return False
        del self._flights[flight.key]
        self._cache._set_loading(len(self._flights))
        return True

    def forget(self, key: Hashable) -> None:
        """A load of this key is not to be stored."""
        with self._lock:
            self._flights.pop(key, None)
            self._cache._set_loading(len(self._flights))

    def forget_all(self) -> None:
        with self._lock:
            self._flights.clear()
            self._cache._set_loading(0)

    def _begin_anew(self) -> None:
        """In a forked child: the threads that were loading are not here."""
        self._lock = threading.RLock()
        self.forget_all()


def _after_fork_in_child() -> None:
    for loads in list(_live):
        loads._begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
