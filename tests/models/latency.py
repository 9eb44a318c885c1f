"""What a latency window, its percentiles and the histogram are, by definition and without regard to speed."""

from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from math import floor


def round_half_away(x: Fraction) -> int:
    """Round a fraction that is not negative; a half goes up."""
    return floor(x + Fraction(1, 2))


def percentile(samples: Iterable[int], q: Fraction) -> int:
    """The sample at round((n - 1) * q) of the n sorted ones."""
    ordered = sorted(samples)
    return ordered[round_half_away((len(ordered) - 1) * q)]


def summary(samples: list[int]) -> dict[str, int | Fraction]:
    """Every figure of a latency summary; the mean as an exact fraction."""
    if not samples:
        return dict.fromkeys(("count", "min_ns", "p50_ns", "p95_ns", "p99_ns", "p999_ns", "max_ns", "mean_ns"), 0)
    return {
        "count": len(samples),
        "min_ns": min(samples),
        "p50_ns": percentile(samples, Fraction(50, 100)),
        "p95_ns": percentile(samples, Fraction(95, 100)),
        "p99_ns": percentile(samples, Fraction(99, 100)),
        "p999_ns": percentile(samples, Fraction(999, 1000)),
        "max_ns": max(samples),
        "mean_ns": Fraction(sum(samples), len(samples)),
    }


class Window:
    """The last `capacity` latencies."""

    def __init__(self, capacity: int) -> None:
        self.samples: deque[int] = deque(maxlen=capacity)

    def record(self, latency_ns: int, n: int = 1) -> None:
        for _ in range(min(n, self.samples.maxlen or 0)):
            self.samples.append(latency_ns)

    def reset(self) -> None:
        self.samples.clear()


def within_bound(ns: int, k: int) -> bool:
    """Whether ns <= 2^(k/8) seconds, in whole numbers: both sides to the eighth power."""
    return Fraction(ns**8) <= Fraction(2) ** k * 10**72


def bound_ns(k: int) -> int:
    """The largest whole number of ns that is at most 2^(k/8) seconds."""
    low, high = 0, 1 << 128
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if within_bound(middle, k) else (low, middle - 1)
    return low
