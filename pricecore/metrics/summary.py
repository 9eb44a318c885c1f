"""Level 2: the frozen figures that people and exporters read. Durations in us, rates a second, fractions 0 to 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.errors import REASONS
from pricecore.metrics.subscriptions import NO_SUBSCRIPTIONS, Subscriptions


class LatencyStats(NamedTuple):
    """Latency over a window of samples; with no sample every figure is 0.0 and `sample_count` 0.

    A percentile is a sample of the window: of n sorted ones that at `round((n - 1) * q)`, half away from zero.
    """

    p50_us: float = 0.0
    """The median, in us."""
    p95_us: float = 0.0
    """The 95th percentile, in us: the target is below 1,000."""
    p99_us: float = 0.0
    """The 99th percentile, in us."""
    p999_us: float = 0.0
    """The 99.9th percentile, in us."""
    mean_us: float = 0.0
    min_us: float = 0.0
    max_us: float = 0.0
    sample_count: int = 0
    """Samples in the window: at most `latency_window` for each writer handle."""

    def as_dict(self) -> dict[str, float | int]:
        """Return the figures by name, ready for JSON.

        Threads: any. Cost: allocates; microseconds.
        """
        return self._asdict()


class RingStats(NamedTuple):
    """The broadcast ring and its registered consumers."""

    capacity: int = 0
    """Records that it holds."""
    sequence: int = 0
    """The last one published."""
    lost: int = 0
    """Records that the engine's own subscriptions lost because they were lapped."""
    consumers: tuple[tuple[str, int], ...] = ()
    """Of each consumer that holds the ring, its name and how many records it is behind."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, ready for JSON; the consumers' by theirs.

        Threads: any. Cost: allocates; microseconds.
        """
        return self._asdict() | {"consumers": dict(self.consumers)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Histogram:
    """Every latency since the last reset, in base-2 buckets, eight an octave: native-histogram schema 3.

    Bucket i holds latencies above 2^((i - 241) / 8) s up to and with 2^((i - 240) / 8) s; the first one holds the
    zeros, the last one all above 98.7 s.
    """

    counts: NDArray[np.int64]
    """Latencies by bucket, 295 of them; read-only."""
    sum_ns: int
    """Their sum, modulo 2^64."""

    schema: ClassVar[int] = 3
    first: ClassVar[int] = -240

    @property
    def count(self) -> int:
        """How many latencies are counted."""
        return int(self.counts.sum())

    @property
    def upper_bounds_s(self) -> NDArray[np.float64]:
        """The upper bound of each bucket, in seconds, inclusive; the last is infinite."""
        bounds = np.exp2((np.arange(len(self.counts)) + self.first) / 8)
        bounds[-1] = np.inf
        return bounds

    def quantile_us(self, q: float) -> float:
        """Return an estimate of the percentile that `LatencyStats` defines, over everything since the last reset.

        Parameters
        ----------
        q : float
            0 to 1.

        Returns
        -------
        float
            Microseconds, from the bucket that holds the exact figure, hence at most 9.1 % off; 0.0 with no
            latencies. A latency beyond the last bound is reported as that bound.

        Raises
        ------
        ValueError
            If q is not from 0 to 1.

        Threads: any.
        Cost: waits for nobody, allocates a few kilobytes.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q is {q}: must be a fraction from 0 to 1")
        cumulative = np.cumsum(self.counts)
        rank = int((int(cumulative[-1]) - 1) * q + 0.5)
        bucket = int(np.searchsorted(cumulative, rank, side="right"))
        if cumulative[-1] == 0 or bucket == 0:
            return 0.0
        if bucket == len(self.counts) - 1:
            return float(self.upper_bounds_s[-2] * 1e6)
        part = (rank - int(cumulative[bucket - 1]) + 0.5) / int(self.counts[bucket])
        return float(2 ** ((bucket + self.first - 1 + part) / 8) * 1e6)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures ready for JSON: filled buckets by native-histogram index, zeros and overflow apart.

        Threads: any. Cost: allocates; microseconds.
        """
        counts = self.counts.tolist()
        return {
            "schema": self.schema,
            "count": self.count,
            "sum_ns": self.sum_ns,
            "zero_count": counts[0],
            "overflow_count": counts[-1],
            "buckets": {str(k): n for k, n in enumerate(counts[1:-1], self.first + 1) if n},
        }

    def __repr__(self) -> str:
        return f"Histogram(count={self.count}, sum_ns={self.sum_ns}, p50_us={self.quantile_us(0.5):.3g})"


class Metrics(NamedTuple):
    """What an engine has done since its last reset, all read within one call.

    `messages_received` is processed + out_of_order + errors, so the accounts always add up; `build` sees to that.
    """

    latency: LatencyStats
    """Of the updates in the windows of all writer handles; a row of a batch counts as one."""
    batch_us: float
    """Mean duration of a batch call, in us; 0.0 before the first."""
    throughput_per_s: float
    """Updates processed in the last whole second; before one is over, as `mean_throughput_per_s`."""
    mean_throughput_per_s: float
    """Updates processed a second since the last reset."""
    messages_received: int
    messages_processed: int
    """Updates stored and published."""
    out_of_order: int
    """Updates dropped because a later one of the same symbol and kind was stored."""
    errors: int
    """Updates refused."""
    errors_by_reason: dict[str, int]
    """The same by reason, those of `pricecore.errors.REASONS` that occurred."""
    error_rate: float
    """Errors of all messages received, 0 to 1."""
    uptime_s: float
    """Since the engine was made; no reset changes it."""
    cpu_percent: float
    """CPU time of the writer's process in its last second; 100 is one core."""
    symbols: int
    """Symbols registered."""
    pool: Any
    """A `PoolStats`."""
    ring: RingStats
    histogram: Histogram
    """Every latency since the last reset."""
    caches: dict[str, Any]
    """A `CacheStats` by the name that `add_cache` was given."""
    log: Any = None
    """A `LogMetrics`; None without a log."""
    subscriptions: Subscriptions = NO_SUBSCRIPTIONS
    """Of the engine's own subscriptions, by name and in sum."""

    @classmethod
    def build(
        cls,
        latency: LatencyStats,
        batch_us: float,
        throughput_per_s: float,
        messages_processed: int,
        out_of_order: int,
        error_counts: Sequence[int],
        uptime_s: float,
        cpu_percent: float,
        symbols: int,
        pool: Any,
        ring: RingStats,
        histogram: Histogram,
        counted_s: float | None = None,
        caches: dict[str, Any] | None = None,
        subscriptions: Subscriptions = NO_SUBSCRIPTIONS,
    ) -> "Metrics":
        """Return the metrics with everything computed that follows from the counters.

        Parameters
        ----------
        error_counts : sequence of int
            By reason code, as `pricecore.errors.REASONS`.
        counted_s : float, optional
            Seconds since the counters were reset, for the mean throughput; `uptime_s` if they never were.
        caches : dict, optional
            By name, the figures of each cache.
        subscriptions : Subscriptions, optional
            The engine's own.

        Threads: any. Cost: microseconds; allocates.
        """
        errors = sum(error_counts)
        received = messages_processed + out_of_order + errors
        counted_s = uptime_s if counted_s is None else counted_s
        return cls(
            latency,
            batch_us,
            throughput_per_s,
            messages_processed / counted_s if counted_s > 0 else 0.0,
            received,
            messages_processed,
            out_of_order,
            errors,
            errors_by_reason(error_counts) if errors else {},
            errors / received if received else 0.0,
            uptime_s,
            cpu_percent,
            symbols,
            pool,
            ring,
            histogram,
            caches or {},
            None,
            subscriptions,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, nested ones as dicts too, ready for JSON.

        Threads: any. Cost: allocates; microseconds.
        """
        return {name: plain(value) for name, value in zip(self._fields, self, strict=True)}


def errors_by_reason(error_counts: Sequence[int]) -> dict[str, int]:
    """Return the counts by the word for the reason, of reasons that occurred."""
    return {reason: count for reason, count in zip(REASONS, error_counts, strict=True) if count}


def plain(value: Any) -> Any:
    """Return a value of the metrics as JSON knows it."""
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if hasattr(value, "_asdict"):
        return {name: plain(field) for name, field in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value
