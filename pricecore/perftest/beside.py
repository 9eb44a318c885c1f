"""The engine beside what a Python program would do without it, on this machine and in this interpreter."""

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

ROUNDS = 15
UPDATES = 2_000
SYMBOLS = 1_000
TIME_NS = 1_700_000_000_000_000_000

Row = tuple[str, float, float, int, float]


class Beside(NamedTuple):
    """CPU time of one update in ns, the loop around it taken off: medians of interleaved rounds."""

    update_ns: float
    dict_ns: float
    """`d[symbol] = (price, volume, timestamp_ns, change_24h)`: stored, and nothing else."""
    python_ns: float
    """`PythonEngine.update`."""

    @property
    def of_dict(self) -> float:
        """Our update over the dict's store."""
        return self.update_ns / self.dict_ns

    @property
    def of_python(self) -> float:
        """Our update over the Python engine's."""
        return self.update_ns / self.python_ns

    def __str__(self) -> str:
        return (
            f"  beside a dict         {self.update_ns:,.0f} ns an update, d[s] = (p, v, t, c) {self.dict_ns:,.0f} ns: "
            f"ratio {self.of_dict:.2f}\n"
            f"  beside plain Python   the same work in Python {self.python_ns:,.0f} ns: ratio {self.of_python:.3f}"
        )

    def as_dict(self) -> dict[str, float]:
        """Return the three times and the two ratios by name."""
        return {**self._asdict(), "of_dict": self.of_dict, "of_python": self.of_python}


class PythonEngine:
    """All that an update does, in plain Python: validated, stored, published, counted, timed, under a lock."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.prices: dict[str, tuple[float, float, int, float, int]] = {}
        self.stream: deque[tuple[int, str, float, float, int, float, int]] = deque(maxlen=65_536)
        self.latencies_ns: deque[int] = deque(maxlen=10_000)
        self.processed = 0

    def update(self, symbol: str, price: float, volume: float, timestamp_ns: int, change_24h: float) -> bool:
        """As that of a PriceEngine, the common case."""
        begin_ns = time.perf_counter_ns()
        if not (math.isfinite(price) and price > 0):
            raise ValueError(f"price={price!r}")
        if not (math.isfinite(volume) and volume >= 0):
            raise ValueError(f"volume={volume!r}")
        if math.isinf(change_24h):
            raise ValueError(f"change_24h={change_24h!r}")
        received_ns = time.time_ns()
        with self.lock:
            stored = self.prices.get(symbol)
            if stored is not None and timestamp_ns < stored[2]:
                return False
            self.processed += 1
            self.prices[symbol] = (price, volume, timestamp_ns, change_24h, received_ns)
            self.stream.append((self.processed, symbol, price, volume, timestamp_ns, change_24h, received_ns))
            self.latencies_ns.append(time.perf_counter_ns() - begin_ns)
        return True


def measure_beside(engine: Any) -> Beside:
    """Time `engine.update` beside the two rivals.

    Parameters
    ----------
    engine : PriceEngine
        One that nobody else uses; takes 1,000 symbols.

    Threads: one. Cost: about half a second, all of it CPU.
    """
    rows = _rows()
    prices: dict[str, tuple[float, float, int, float]] = {}
    bodies = [_loop, _calls(engine.update), _stores(prices), _calls(PythonEngine().update)]
    times_ns: list[list[float]] = [[] for _ in bodies]
    for _ in range(ROUNDS):
        for body, taken_ns in zip(bodies, times_ns, strict=True):
            taken_ns.append(_cpu_ns(body, rows))
    loop_ns, *others_ns = map(statistics.median, times_ns)
    return Beside(*(max(other_ns - loop_ns, 0.1) for other_ns in others_ns))


def _rows() -> list[Row]:
    names = [f"PERFTEST:{i:03d}" for i in range(SYMBOLS)]
    return [(names[i % SYMBOLS], 100.0 + i / 100, 1.0 + i / 7, TIME_NS, 0.5) for i in range(UPDATES)]


def _cpu_ns(body: Callable[[list[Row]], None], rows: list[Row]) -> float:
    begin_ns = time.thread_time_ns()
    body(rows)
    return (time.thread_time_ns() - begin_ns) / len(rows)


def _loop(rows: list[Row]) -> None:
    for _symbol, _price, _volume, _time_ns, _change in rows:
        pass


def _calls(update: Callable[[str, float, float, int, float], bool]) -> Callable[[list[Row]], None]:
    def body(rows: list[Row]) -> None:
        for symbol, price, volume, timestamp_ns, change_24h in rows:
            update(symbol, price, volume, timestamp_ns, change_24h)

    return body


def _stores(prices: dict[str, tuple[float, float, int, float]]) -> Callable[[list[Row]], None]:
    def body(rows: list[Row]) -> None:
        for symbol, price, volume, timestamp_ns, change_24h in rows:
            prices[symbol] = (price, volume, timestamp_ns, change_24h)

    return body
