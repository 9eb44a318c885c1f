"""Level 3: fills a cache before it is needed."""

import sys
import threading
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from pricecore.caching.absent import Absent

if TYPE_CHECKING:
    from pricecore.caching.price_cache import PriceCache

Progress = Callable[[int, int], object]
_INTERVAL_S = 0.1
MAX_WORKERS = 1_024


class WarmReport(NamedTuple):
    """What became of the keys that a cache was warmed with."""

    loaded: int
    present: int
    """Were there before."""
    absent: int
    """The loader had None for them."""
    errors: dict[Any, Exception]
    """By key, what the loader raised."""


class _Warming:
    """Takes keys one by one, in several threads at once."""

    def __init__(self, cache: "PriceCache[Any, Any]", keys: list[Hashable]) -> None:
        self.cache = cache
        self.keys = iter(keys)
        self.lock = threading.Lock()
        self.loaded = self.present = self.absent = 0
        self.errors: dict[Any, Exception] = {}
        self.stopped = False

    @property
    def done(self) -> int:
        return self.loaded + self.present + self.absent + len(self.errors)

    def work(self) -> None:
        while not self.stopped:
            with self.lock:
                key = next(self.keys, Absent)
            if key is Absent:
                return
            self.take(key)

    def take(self, key: Any) -> None:
        was_there, error, value = key in self.cache, None, None
        if not was_there:
            try:
                value = self.cache.get_or_load(key)
            except Exception as raised:
                error = raised
        with self.lock:
            if error is not None:
                self.errors[key] = error
            elif was_there:
                self.present += 1
            elif value is None:
                self.absent += 1
            else:
                self.loaded += 1


def show(done: int, total: int) -> None:
    """Rewrite one line on stderr, where that is a terminal."""
    if sys.stderr.isatty():
        share = done / total if total else 1.0
        sys.stderr.write(f"\r\x1b[K{share:5.0%}  {done:,} of {total:,} keys" + ("\n" if done == total else ""))
        sys.stderr.flush()


def warm(
    cache: "PriceCache[Any, Any]", keys: Iterable[Any], workers: int, progress: Progress | bool | None
) -> WarmReport:
    """Load all keys that are not there; see `PriceCache.warm`."""
    from concurrent.futures import ThreadPoolExecutor, wait

    if not isinstance(workers, int) or isinstance(workers, bool):
        raise TypeError(f"workers must be an int, not {workers!r}")
    if not 1 <= workers <= MAX_WORKERS:
        raise ValueError(f"workers is {workers}; it must lie between 1 and {MAX_WORKERS:,}")
    tell = _teller(progress)
    wanted = list(dict.fromkeys(keys))
    warming = _Warming(cache, wanted)
    with ThreadPoolExecutor(min(workers, max(1, len(wanted))), thread_name_prefix="pricecore-warm") as pool:
        running = [pool.submit(warming.work) for _ in range(min(workers, len(wanted)))]
        try:
            while wait(running, _INTERVAL_S).not_done:
                tell(warming.done, len(wanted))
        except BaseException:
            warming.stopped = True
            raise
    for worker in running:
        worker.result()
    tell(warming.done, len(wanted))
    return WarmReport(warming.loaded, warming.present, warming.absent, warming.errors)


def _teller(progress: Progress | bool | None) -> Progress:
    if progress is None or progress is False:
        return _tell_nobody
    if progress is True:
        return show
    if not callable(progress):
        raise TypeError(f"progress must be callable, True or None, not {progress!r}")
    return progress


def _tell_nobody(done: int, total: int) -> None:
    pass
