"""Level 3: one load a key, however many threads and tasks ask for it.

A load under way is a `Flight`; whoever asks for its key meanwhile waits for it. A flight that is forgotten (its key was
put, deleted or cleared meanwhile) still answers those who wait, but its value is not stored, and who asks from then on
starts another. Each flight knows which flights its loader waits for: a circle would wait for ever, and raises instead.
"""

import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from inspect import isawaitable, iscoroutinefunction
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pricecore.caching.absent import Absent
from pricecore.errors import LoadRecursionError

if TYPE_CHECKING:
    import asyncio

    from pricecore.caching.price_cache import PriceCache

_live: "weakref.WeakSet[Loads]" = weakref.WeakSet()


class AbandonedError(Exception):
    """The load ended without an answer: its task was cancelled, or its thread interrupted. Those who wait try again."""


class Flight:
    """One load under way.

    Its future has a value and an error, one of which counts: an error of its own would be changed on its way to a task
    (a StopIteration, a CancelledError of a pool).
    """

    __slots__ = ("begun", "future", "key", "loop", "task", "waits_for")

    def __init__(self, key: Hashable, begun: bool) -> None:
        from concurrent.futures import Future

        self.key = key
        self.begun = begun  # False: it stands in the queue of an executor, perhaps behind those who wait for it
        self.future: Future[tuple[Any, BaseException | None]] = Future()
        self.future.set_running_or_notify_cancel()  # from here on nobody who waits can cancel it for the others
        self.waits_for: list[Flight] = []  # one may stand here twice: two tasks of one loader wait for it
        self.task: object = None  # keeps an event loop's task alive
        self.loop: asyncio.AbstractEventLoop | None = None  # in which the task runs

    def end(self, value: Any, error: BaseException | None = None) -> None:
        """Hand it to all who wait; only the first end counts."""
        from concurrent.futures import InvalidStateError

        with suppress(InvalidStateError):
            self.future.set_result((value, error))

    def is_over(self) -> bool:
        """Whether it ended, or never will: its event loop was closed under it."""
        if self.loop is not None and self.loop.is_closed():
            self.end(None, AbandonedError())
        return self.future.done()

    def leads_to(self, other: "Flight") -> bool:
        """Whether this flight waits, through any others, for that one."""
        seen, todo = {self}, [self]
        while todo:
            flight = todo.pop()
            if flight is other:
                return True
            new = set(flight.waits_for) - seen
            seen |= new
            todo += new
        return False


def opened(answer: tuple[Any, BaseException | None]) -> Any:
    """Return the value that a flight ended with, or raise its error."""
    value, error = answer
    if error is not None:
        raise error
    return value


_current: ContextVar[Flight | None] = ContextVar("pricecore_load", default=None)
# Of who waits for whom: one for all caches, for a circle may lead through several. Nobody waits while holding it.
_waits_lock = threading.RLock()


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
            flight, is_mine, value = self._join(key, begun=True)
            if flight is None:
                return value
            with self._waiting(flight):
                if is_mine or self.claim(flight):
                    return self.run(flight)
                try:
                    return opened(flight.future.result())
                except AbandonedError:
                    continue

    def run(self, flight: Flight) -> Any:
        """Call the loader; what comes of it reaches everyone who waits, and the caller."""
        begin_ns = perf_counter_ns()
        try:
            value = self._loaded(flight)
            self.finish(flight, value, begin_ns)
        except BaseException as error:
            self.fail(flight, error, begin_ns)
            raise
        return value

    def _loaded(self, flight: Flight) -> Any:
        token = _current.set(flight)
        try:
            value = self.loader(flight.key)
            if isawaitable(value):
                getattr(value, "close", bool)()
                raise TypeError(f"the loader {self.loader!r} returned an awaitable: define it by `async def`")
            return value
        finally:
            _current.reset(token)

    def claim(self, flight: Flight) -> bool:
        """Whether it is the caller's to run: nobody has begun it."""
        with self._lock:
            is_first, flight.begun = not flight.begun, True
        return is_first

    def _join(self, key: Hashable, begun: bool) -> tuple[Flight | None, bool, Any]:
        """Return the flight of a key and whether it was made here; or None and the value that is there by now."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and not flight.is_over():
                return flight, False, None
            value = self._cache.peek(key, Absent)
            if value is not Absent:
                return None, False, value
            flight = self._flights[key] = Flight(key, begun)
            self._cache._set_loading(len(self._flights))
            return flight, True, None

    @contextmanager
    def _waiting(self, flight: Flight) -> Iterator[None]:
        """Let others know that the load in whose loader we are waits for this one."""
        current = _current.get()
        if current is None:
            yield
            return
        with _waits_lock:
            _check_circle(current, flight)
            current.waits_for.append(flight)
        try:
            yield
        finally:
            with _waits_lock:
                current.waits_for.remove(flight)

    def finish(self, flight: Flight, value: Any, begin_ns: int) -> None:
        """Store what was loaded, unless the flight was forgotten meanwhile, and hand it to all who wait."""
        departed = None
        with self._lock:
            if value is not None and self._flights.get(flight.key) is flight:
                departed = self._cache._store_loaded(flight.key, value)
            # Only now, for until then who changes this key has to come by here.
            self._remove(flight)
            self._cache._count_load(perf_counter_ns() - begin_ns, False)
        flight.end(value)
        if departed is not None:
            departed.release()

    def fail(self, flight: Flight, error: BaseException, begin_ns: int) -> None:
        """Hand an error to all who wait; what only ended this task or thread makes them load it themselves."""
        if flight.future.done():  # it was `on_evict` of what left for it
            return
        try:
            with self._lock:
                if isinstance(error, Exception):
                    self._cache._count_load(perf_counter_ns() - begin_ns, True)
                self._remove(flight)
        finally:  # the key's __eq__ may raise
            if not isinstance(error, Exception):
                abandoned = AbandonedError()
                abandoned.__cause__ = error
                error = abandoned
            flight.end(None, error)

    def _remove(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
            self._cache._set_loading(len(self._flights))

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


def _check_circle(current: Flight, flight: Flight) -> None:
    if flight.leads_to(current):
        raise LoadRecursionError(
            f"the load of {current.key!r} asks for {flight.key!r}, which waits for it: a loader must not ask the "
            f"cache for the key that it loads"
        )


def _after_fork_in_child() -> None:
    global _waits_lock
    _waits_lock = threading.RLock()
    for loads in list(_live):
        loads._begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
