"""Level 5: `PriceEngine`, the thin Python class over the compiled core, and the process-wide default engine."""

import atexit
import math
import os
import threading
import weakref
from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn

from pricecore.caching.price_cache import PriceCache
from pricecore.delivery.holding_consumer import HoldingConsumer
from pricecore.delivery.limits import check_choice
from pricecore.engine.core import EngineCore
from pricecore.engine.figure_names import check_figure_name
from pricecore.engine.readable import Readable
from pricecore.engine.writer import Writer
from pricecore.errors import WrongProcessError
from pricecore.metrics.log import warn_throttled
from pricecore.metrics.summary import Metrics
from pricecore.primitives.pool import BufferPool

if TYPE_CHECKING:
    from pricecore.engine.replaying import Replay
    from pricecore.eventlog.options import LogOptions
    from pricecore.perftest import PerformanceReport

_OUT_OF_ORDER = ("drop", "apply")
_ON_BAD = ("raise", "count")
_MAX_WINDOW = 1 << 26  # samples
_MAX_BUFFERS, _MAX_BUFFER_BYTES = 65_535, 1 << 30
_live: "weakref.WeakSet[PriceEngine]" = weakref.WeakSet()


def _whole(name: str, value: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if not 1 <= value <= most:
        raise ValueError(f"{name} is {value}; it must lie between 1 and {most:,}")
    return value


def _flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def _log_options(log: "str | os.PathLike[str] | LogOptions") -> "LogOptions":
    from pricecore.eventlog.options import LogOptions

    return log if isinstance(log, LogOptions) else LogOptions(log)


def _future_ns(max_future_s: float | None) -> int | None:
    if max_future_s is None:
        return None
    if not isinstance(max_future_s, Real) or isinstance(max_future_s, bool):
        raise TypeError(f"max_future_s must be a number of seconds, or None, not {max_future_s!r}")
    if not 0 <= max_future_s <= 1e9 or math.isnan(max_future_s):
        raise ValueError(f"max_future_s is {max_future_s!r}; it must be 0 to 1e9 seconds, or None for no limit")
    return int(max_future_s * 1e9)


class PriceEngine(EngineCore, Readable):
    """The in-process price engine: takes updates, keeps the latest price and quote of every symbol, and measures
    its own latency on every update.

    Parameters
    ----------
    name : str, optional
        Share the engine under this name: any process reads it by `attach(name)`. 1 to 64 ASCII letters, digits, _ or
        -. One engine writes a name; the next one after it continues its prices, symbols and sequence.
    max_symbols : int
        Places in the symbol table; rounded up to a power of two, at least 1,024.
    ring_capacity : int
        Records in the broadcast ring; rounded up to a power of two, at least 1,024.
    latency_window : int
        Samples a writer handle over which latency is reported, at least 1.
    pool_buffers, buffer_size : int
        Buffers of `pool`, and their size in bytes.
    allow_nonpositive : bool
        True admits zero and negative prices (spreads, oil in 2020).
    out_of_order : {"drop", "apply"}
        What becomes of an update older than the stored one of the same symbol and kind. "drop" counts it.
    max_future_s : float or None
        An update further ahead of our clock is refused; None: no limit.
    on_bad : {"raise", "count"}
        What a single update that breaks a rule does; a bad row of a batch is always skipped and counted.
    permissions : int
        Of a named segment, also of one that goes on: 0o600, or 0o640, 0o644 for others to read it.
    resume : bool
        False: begin a named segment anew, whatever stands there. So do other sizes.
    log : str, Path, LogOptions or None
        The folder of an event log: every record is written there, and the engine begins with what it holds: prices,
        symbols, sequence. `log` of the engine says how far it is.

    Attributes
    ----------
    name : str or None
    pool : BufferPool
        For whoever needs buffers; `Feed` and codecs take theirs from where they are told.
    log : EngineLog or None
        The log that was opened.
    segment : Segment
        The memory that holds everything: `segment.writer_pid`, `segment.generation`. The rest is this package's own.

    Raises
    ------
    SegmentInUseError
        Another process, or another engine of this one, writes the segment of this name.
    SegmentError
        It cannot be made (no room: all of it is reserved now) or continued (damaged, of another version).
    LogReadOnlyError
        Another process, or another engine of this one, writes the log, or it cannot be written.
    LogCorruptError
        The log is damaged; file and place are named.

    Threads: any; update calls of the process that made the engine only. After a fork the child goes on with a
    private copy; of an engine with a name or a log it only reads. Cost: reserves address space, touches memory as
    symbols and records come; a named engine reserves its memory at once.

    Examples
    --------
    >>> import pricecore
    >>> with pricecore.PriceEngine() as engine:
    ...     engine.update("BINANCE:BTCUSDT", 61737.63, volume=0.5)
    ...     engine.price("BINANCE:BTCUSDT")
    True
    61737.63
    """

    __slots__ = ("_caches", "_caches_lock", "name", "pool")

    def __init__(
        self,
        name: str | None = None,
        *,
        max_symbols: int = 65_536,
        ring_capacity: int = 65_536,
        latency_window: int = 10_000,
        pool_buffers: int = 512,
        buffer_size: int = 1_024,
        allow_nonpositive: bool = False,
        out_of_order: str = "drop",
        max_future_s: float | None = 60.0,
        on_bad: str = "raise",
        permissions: int = 0o600,
        resume: bool = True,
        log: "str | os.PathLike[str] | LogOptions | None" = None,
    ) -> None:
        pool = BufferPool(
            _whole("pool_buffers", pool_buffers, _MAX_BUFFERS), _whole("buffer_size", buffer_size, _MAX_BUFFER_BYTES)
        )
        self._caches: dict[str, PriceCache[Any, Any]] = {}
        self._caches_lock = threading.Lock()
        _live.add(self)  # first: a fork, also one in mid-open, tells every engine
        self._open(
            name=name,
            max_symbols=max_symbols,
            ring_capacity=ring_capacity,
            latency_window=_whole("latency_window", latency_window, _MAX_WINDOW),
            pool=pool,
            permissions=permissions,
            resume=_flag("resume", resume),
            allow_nonpositive=_flag("allow_nonpositive", allow_nonpositive),
            drop_out_of_order=check_choice("out_of_order", out_of_order, _OUT_OF_ORDER) == "drop",
            max_future_ns=_future_ns(max_future_s),
            raise_bad=check_choice("on_bad", on_bad, _ON_BAD) == "raise",
            log=None if log is None else _log_options(log),
        )
        self.pool = pool
        self.name = name

    def metrics(self) -> Metrics:
        """Return the engine's figures: latency over the window, counts since the last reset, throughput, CPU.

        Threads: any. Cost: takes no lock that an update takes; sorts nothing, reads the windows once (tens of
        microseconds for 10,000 samples); allocates a copy of them.
        """
        caches = {name: cache.stats() for name, cache in self._caches.copy().items()}
        metrics = self._gather(self.pool.stats(), caches)
        return metrics if self.log is None else metrics._replace(log=self.log.stats())

    def close(self) -> None:
        """Close the engine. Single updates in other threads finish, batches stop, at the latest after 64 rows, and
        raise EngineClosedError, which says how many rows were stored; so do later calls. A log gets the last record,
        and is synced.

        Threads: any, and signal handlers; whichever call returns, the engine is closed and its name free. Cost: waits
        for the housekeeping thread and for what batches have begun (microseconds), without the GIL; for the disk when
        there is a log. The memory stays until the last user lets go; a named segment stays for its readers and for the
        next writer.
        """
        super().close()
        if self.log is not None:
            self.log._finish()

    def add_cache(self, name: str, cache: PriceCache[Any, Any]) -> None:
        """Have a cache's figures join `metrics`, as ``metrics().caches[name]``, also those of views.

        Parameters
        ----------
        name : str
            1 to 16 bytes as UTF-8, without "/".
        cache : PriceCache
            The engine keeps a reference; `reset_stats` of the engine leaves its counts as they are.

        Raises
        ------
        ValueError
            The name is none, or taken, or the segment has no place for more figures (10 caches have).
        TypeError
            An argument is of a wrong type. EngineClosedError, WrongProcessError: as `update`.

        Threads: any of the writer process. Cost: microseconds, and as much of the housekeeping thread once a second;
        the cache does not notice.
        """
        check_figure_name(name, "cache")
        if not isinstance(cache, PriceCache):
            raise TypeError(f"cache must be a PriceCache, not {cache!r}")
        with self._caches_lock:
            if name in self._caches:
                raise ValueError(f"name is {name!r}; this engine has a cache of that name")
            self._add_cache(name, cache)
            self._caches[name] = cache

    def writer(self) -> Writer:
        """Return a handle with counters and a latency window of its own, for one thread.

        Returns
        -------
        Writer
            It has the engine's update methods. Its handle is given back by `close` or when it is dropped. When all
            63 are taken, it counts on the engine's own handle: nothing is lost, the counters are only shared.

        Threads: any of the writer process. Cost: allocates.
        """
        return Writer(self)

    def consumer(self, name: str, full: str = "wait", full_timeout_s: float = 1.0) -> HoldingConsumer:
        """Register a consumer that gets every record from now on: the ring waits for it.

        Parameters
        ----------
        name : str
            1 to 32 bytes as UTF-8; errors and `metrics` call it so.
        full : {"wait", "raise", "skip"}
            What becomes of updates once this consumer is a whole ring behind. "wait": they wait for it, at most
            `full_timeout_s`, then they are refused with a RingFullError. "raise": they are refused at once. "skip":
            they go on, and the consumer learns exactly which records it lost (`gap`). Of several consumers the
            slowest that does not skip decides.
        full_timeout_s : float
            0 to 1e9.

        Returns
        -------
        HoldingConsumer
            Its `read` returns records, its `close` lets the ring go; dropping it does, too. After a fork the child
            has none of them.

        Raises
        ------
        ValueError
            An option is out of its range, the name is taken, or 16 consumers are registered.

        Threads: any of the writer process. Cost: microseconds; reading costs the writers nothing.

        Examples
        --------
        >>> import pricecore
        >>> with pricecore.PriceEngine() as engine, engine.consumer("audit") as audit:
        ...     engine.update("BINANCE:BTCUSDT", 61737.63)
        ...     audit.read()["sequence"].tolist()
        True
        [1, 2]
        """
        return self._consumer(name, full, full_timeout_s)

    def _begin_replay(self) -> "Replay":
        """Return what takes the records of a log (`EventLog.replay`)."""
        from pricecore.engine.replaying import Replay

        return Replay(self)

    def reset_stats(self) -> None:
        """Zero message counters, errors, windows, histogram, batch and pool counts; keep prices, symbols, sequence
        and uptime.

        Threads: any; an update that runs at the same moment may count before or after. Cost: microseconds.
        """
        self._reset_stats()
        self.pool.reset_stats()

    def run_performance_test(self, updates: int = 10_000, rate: float | None = None) -> "PerformanceReport":
        """Run updates through this engine and report their latency; see `pricecore.perftest`.

        Parameters
        ----------
        updates : int
            How many, at least 1.
        rate : float, optional
            Updates a second, on a schedule; None: as fast as possible.

        Returns
        -------
        PerformanceReport
            `.passed` says whether p95 stayed below 1 ms, without an error and with flat memory.

        Threads: any of the writer process. Cost: blocks until done; adds symbols of its own.
        """
        from pricecore.perftest import run_performance_test

        return run_performance_test(self, updates=updates, rate=rate)

    def __reduce__(self) -> NoReturn:
        if self.name is not None:
            raise TypeError(f"an engine does not pickle: attach({self.name!r}) reads this one from any process")
        raise TypeError("an engine does not pickle: make one in each process, or hand over what snapshot() returns")

    def __repr__(self) -> str:
        if self.closed:
            return "<PriceEngine closed>"
        return f"<PriceEngine of {len(self):,} symbols>"


_default: PriceEngine | None = None
_default_lock = threading.Lock()


def get_engine() -> PriceEngine:
    """Return the process-wide default engine, made at the first call, and again after it was closed.

    Returns
    -------
    PriceEngine
        The same object for every caller of this process.

    Threads: any. Cost: makes the engine once; afterwards takes a lock for a moment.
    """
    global _default
    with _default_lock:
        if _default is None or _default.closed:
            _default = PriceEngine()
        return _default


def _after_fork_in_child() -> None:
    global _default_lock
    _default_lock = threading.Lock()
    for engine in list(_live):
        engine._mark_forked()


def _close_logs() -> None:
    """At the end of the interpreter: what was published goes into the logs, of each engine whatever befalls another."""
    for engine in list(_live):
        if engine.log is not None and not engine.closed:
            try:
                engine.close()
            except WrongProcessError:
                continue  # a parent's
            except Exception as error:
                warn_throttled("log_close", "%r could not be closed: %s", engine, error)


atexit.register(_close_logs)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
