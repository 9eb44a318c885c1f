"""The report of a performance test: figures, verdict, and what to do about a FAIL."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from pricecore.metrics.summary import LatencyStats

TARGET_P95_US = 1_000.0
"""PASS needs a 95th percentile of service latency below 1 ms."""

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceReport:
    """What a performance test measured. Times in the unit of the name; `str()` is for people, `as_dict()` for JSON."""

    updates: int
    rate: float | None
    """Updates a second asked for; None: as fast as possible."""
    threads: int
    symbols: int
    wall_s: float
    updates_per_s: float
    applied: int
    errors: int
    """By how many the engine's error count grew."""
    errors_by_reason: dict[str, int]
    latency: LatencyStats
    """Service latency of the run: entry of each call to the update being visible and published."""
    latency_is_exact: bool
    """False: from the cumulative histogram, each percentile to within 9.1 %; the mean is exact."""
    schedule_delay: LatencyStats | None
    """Completion minus intended start of every update; None without `rate`."""
    target_p95_us: float
    cpu_s: tuple[float, ...]
    """CPU time of each thread."""
    rss_before_bytes: int | None
    rss_after_bytes: int | None
    """Resident memory; None where the system does not tell it, and then it is not judged."""
    rss_allowed_growth_bytes: int
    """2 MiB, and the ring and windows that this run touched for the first time."""
    pool_outstanding_before: int
    pool_outstanding_after: int
    gc_enabled: bool
    gc_collections: int

    @property
    def passed(self) -> bool:
        """Whether the target was met without an error and with flat memory."""
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for each requirement that was missed, with what to do; empty on PASS."""
        return tuple(self._failures())

    @property
    def rss_growth_bytes(self) -> int | None:
        """Resident memory after minus before."""
        if self.rss_before_bytes is None or self.rss_after_bytes is None:
            return None
        return self.rss_after_bytes - self.rss_before_bytes

    def _failures(self) -> Iterator[str]:
        if not self.latency.p95_us < self.target_p95_us:
            yield (
                f"p95 is {self.latency.p95_us:,.3f} us, the target is below {self.target_p95_us:,g} us: run again on "
                f"an idle machine, with fewer threads, and let `pricecore info` say whether the fast clock is in use"
            )
        if self.errors:
            yield (
                f"{self.errors:,} updates were refused {self.errors_by_reason}: the test sends none that break a rule, "
                f"so look for another sender on this engine, or for a ring held by a slow consumer"
            )
        if self.applied != self.updates:
            yield (
                f"{self.applied:,} of {self.updates:,} updates were applied: use an engine whose PERFTEST symbols "
                f"nobody else writes"
            )
        yield from self._memory_failures()

    def _memory_failures(self) -> Iterator[str]:
        growth = self.rss_growth_bytes
        if growth is not None and growth > self.rss_allowed_growth_bytes:
            yield (
                f"memory grew by {growth / _MIB:.1f} MiB, allowed are {self.rss_allowed_growth_bytes / _MIB:.1f}: run "
                f"with ten times the updates; a leak grows with them, other work of this process does not"
            )
        more_out = self.pool_outstanding_after - self.pool_outstanding_before
        if more_out > 0:
            yield f"{more_out} more pool buffers are out than before: look for one that is acquired and never released"

    def as_dict(self) -> dict[str, Any]:
        """Return all figures by name, nested ones as dicts too, ready for JSON; `passed` and `failures` with them."""
        figures = {field.name: getattr(self, field.name) for field in fields(self)}
        figures["latency"] = self.latency.as_dict()
        figures["schedule_delay"] = self.schedule_delay and self.schedule_delay.as_dict()
        figures["cpu_s"] = list(self.cpu_s)
        return figures | {"passed": self.passed, "failures": list(self.failures)}

    def __str__(self) -> str:
        return "\n".join(
            [
                f"performance test: {'PASS' if self.passed else 'FAIL'}",
                *(f"  FAIL: {failure}" for failure in self.failures),
                "",
                *(f"  {name:<22}{text}" for name, text in self._lines()),
            ]
        )

    def _lines(self) -> Iterator[tuple[str, str]]:
        load = "as fast as possible" if self.rate is None else f"{self.rate:,g} /s asked for"
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        yield "load", f"{self.updates:,} updates of {self.symbols} symbols, {threads}, {load}"
        yield "throughput", f"{self.updates_per_s:,.0f} updates/s over {self.wall_s:.3f} s"
        yield "service latency", f"{_percentiles(self.latency)}   {self._precision()}"
        yield "target", f"p95 below {self.target_p95_us:,g} us"
        if self.schedule_delay is not None:
            yield "delay from schedule", f"{_percentiles(self.schedule_delay)}   completion minus intended start"
        yield "applied, errors", f"{self.applied:,}, {self.errors:,} {self.errors_by_reason or ''}".rstrip()
        yield "memory", self._memory()
        yield "pool buffers out", f"{self.pool_outstanding_before} before, {self.pool_outstanding_after} after"
        yield "CPU by thread", ", ".join(f"{cpu_s:.3f} s" for cpu_s in self.cpu_s)
        yield "garbage collector", f"{'on' if self.gc_enabled else 'off'}, {self.gc_collections} collections"

    def _precision(self) -> str:
        return "exact" if self.latency_is_exact else "within 9.1 %"

    def _memory(self) -> str:
        growth = self.rss_growth_bytes
        if growth is None:
            return "not measured on this system"
        return f"{growth / _MIB:+.1f} MiB, up to {self.rss_allowed_growth_bytes / _MIB:.1f} allowed"


def _percentiles(stats: LatencyStats) -> str:
    """Return the percentiles in one line, in microseconds."""
    shown = {"p50": stats.p50_us, "p95": stats.p95_us, "p99": stats.p99_us, "p99.9": stats.p999_us, "max": stats.max_us}
    return "  ".join(f"{name} {value_us:.3f}" for name, value_us in shown.items()) + " us"
