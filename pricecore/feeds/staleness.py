"""Which symbols of a feed are stale, and the thread that watches for them. Connected is not receiving: only messages
count as signs of life, never that a connection stands."""

import threading
import time
import weakref
from collections.abc import Callable, Mapping
from math import inf
from traceback import format_exc
from typing import TYPE_CHECKING

from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import EngineClosedError, UnknownSymbolError, WrongProcessError
from pricecore.metrics.log import warn_throttled

if TYPE_CHECKING:
    from pricecore.feeds.feed import Feed

_SHORTEST_INTERVAL_S, _LONGEST_INTERVAL_S = 0.01, 1.0


class Staleness:
    """The rule of one feed.

    Parameters
    ----------
    engine : PriceEngine
        Knows the ages.
    stale_after_s : float or mapping, optional
        As `Feed` takes it.

    Threads: any.
    Cost: one lookup a symbol.
    """

    def __init__(self, engine: PriceEngine, stale_after_s: float | Mapping[str, float] | None) -> None:
        self._engine = engine
        self._limits_s: dict[str, float] | None = None
        self._limit_s: float | None = None
        if isinstance(stale_after_s, Mapping):
            self._limits_s = dict(stale_after_s)
        else:
            self._limit_s = stale_after_s
        self._started_s = time.monotonic()
        self._known: set[str] = set()
        self._silent = False
        self._lock = threading.Lock()
        limits = [self._limit_s] if self._limit_s is not None else list((self._limits_s or {}).values())
        for limit in limits:
            if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 < limit < inf:
                raise ValueError(f"stale_after_s is {limit!r}; it must be a number of seconds above zero")
        for symbol in self._limits_s or ():
            if not isinstance(symbol, str):
                raise TypeError(f"stale_after_s has the key {symbol!r}; its keys must be str, the engine's symbols")
        shortest_s = min(limits, default=_LONGEST_INTERVAL_S)
        self.interval_s = min(max(shortest_s / 4, _SHORTEST_INTERVAL_S), _LONGEST_INTERVAL_S)

    def symbols(self, symbols: list[str], silent_s: float) -> list[str]:
        """Return those that are stale, of the feed's `symbols`, when its last message is `silent_s` old."""
        if self._limits_s is not None:
            return [symbol for symbol, limit_s in self._limits_s.items() if self._age_s(symbol) > limit_s]
        if self._limit_s is None or silent_s <= self._limit_s:
            return []
        return [symbol for symbol in symbols if self._engine_age_s(symbol) > self._limit_s]

    def news(self, stale: list[str], silent_s: float) -> list[str] | None:
        """Return the stale symbols not returned before; None when there is nothing new to tell."""
        never_heard = min(silent_s, time.monotonic() - self._started_s)
        silent = self._limit_s is not None and never_heard > self._limit_s
        with self._lock:
            new = [symbol for symbol in stale if symbol not in self._known]
            fell_silent = silent and not self._silent
            self._known, self._silent = set(stale), silent
        return new if new or fell_silent else None

    def _age_s(self, symbol: str) -> float:
        """Return the age of a symbol that is expected: one that never came is as old as the feed."""
        try:
            return self._engine.age_s(symbol)
        except UnknownSymbolError:
            return time.monotonic() - self._started_s

    def _engine_age_s(self, symbol: str) -> float:
        """Return the age of a symbol that came; one that was refused has none and is not stale."""
        try:
            return self._engine.age_s(symbol)
        except UnknownSymbolError:
            return 0.0


def tell(on_stale: Callable[[list[str]], object], stale: list[str]) -> None:
    """Call a user's callback; what it raises is logged, once a second at most, and ends nothing."""
    try:
        on_stale(stale)
    except Exception:
        warn_throttled("on_stale", "on_stale of a feed raised:\n%s", format_exc())


def watch(feed: "Feed", interval_s: float) -> threading.Event:
    """Start the thread that checks a feed; it ends with the feed, with the engine, or when the event is set."""
    stop = threading.Event()
    thread = threading.Thread(
        target=_run, args=(weakref.ref(feed), interval_s, stop), name="pricecore-stale", daemon=True
    )
    thread.start()
    return stop


def _run(reference: "weakref.ref[Feed]", interval_s: float, stop: threading.Event) -> None:
    while not stop.wait(interval_s):
        feed = reference()
        if feed is None:
            return
        try:
            feed.check_stale()
        except (EngineClosedError, WrongProcessError):  # of the engine: what the callback raises does not get here
            return
        except Exception:
            warn_throttled("check_stale", "a feed could not be checked for stale symbols:\n%s", format_exc())
        del feed  # or the feed would live as long as this thread sleeps
