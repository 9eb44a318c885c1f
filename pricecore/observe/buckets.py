"""Level 6: the engine's latency histogram as Prometheus' classic buckets, which a server of any age understands.

A subset of the engine's own bounds, so that every count is exact and none is split: two an octave, a factor of 1.41
apart, from 30 ns to 4 ms, where engines are; all eight an octave around the target of 1 ms; one an octave from 4 ms to
2 s. What `histogram_quantile` says lies in the bucket that holds the truth: at most a factor of 1.41 from it below
4 ms, and of 1.09 from 0.69 to 1.95 ms.
"""

from itertools import accumulate
from typing import Any

_AN_OCTAVE = 8  # schema 3
BOUND_INDEXES = tuple(
    sorted(
        {
            *range(-25 * _AN_OCTAVE, -8 * _AN_OCTAVE, _AN_OCTAVE // 2),  # powers of two, in seconds
            *range(-10 * _AN_OCTAVE - 4, -9 * _AN_OCTAVE + 1),
            *range(-8 * _AN_OCTAVE, 1 * _AN_OCTAVE + 1, _AN_OCTAVE),
        }
    )
)
"""Which of the engine's buckets end at a bound that is exported, by their native-histogram index."""

BOUNDS_S = tuple(2.0 ** (index / _AN_OCTAVE) for index in BOUND_INDEXES)
"""The upper bounds, inclusive; +Inf comes behind them."""


def cumulative_counts(histogram: dict[str, Any]) -> list[int]:
    """Return for each bound of `BOUNDS_S`, and for +Inf, how many latencies are not above it.

    Parameters
    ----------
    histogram : dict
        As `dashboard_state` has it.

    Threads: any. Cost: microseconds.
    """
    counts = [0] * (len(BOUND_INDEXES) + 1)
    counts[0] = histogram["zero_count"]
    counts[-1] = histogram["overflow_count"]
    for index, count in histogram["buckets"].items():
        counts[_place(int(index))] += count
    return list(accumulate(counts))


def _place(index: int) -> int:
    """Return the first bound that is not below this bucket's own."""
    return _PLACES.get(index, 0 if index < BOUND_INDEXES[0] else len(BOUND_INDEXES))


_PLACES = {
    index: next(place for place, bound in enumerate(BOUND_INDEXES) if index <= bound)
    for index in range(BOUND_INDEXES[0], BOUND_INDEXES[-1] + 1)
}
