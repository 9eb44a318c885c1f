"""Whether a figure grows while it should stay: a robust slope beside a stated bound.

Source: Theil (1950) and Sen (1968): the slope is the median of the slopes between all pairs of points. Up to 29 % of
the points may be anything at all, so a fault that throws a figure up for some seconds does not bend it.

What is judged is the second half of a run: caches fill, windows are touched for the first time and allocators find
their size in the first, and for memory that takes a quarter of an hour at least (`Bound.warm_up_s`). It is cut into
spans of equal time and the median of each one taken, so that what goes up and down with every file of a log or every
fault is one point. The growth is the slope times the time judged; it may be `floor` (what such a figure does anyway,
however short the run) plus `per_hour`. A leak below that is not seen: `least_seen_per_hour` says how large one must be,
and it falls as a run gets longer.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

JUDGED_PART = 0.5
MOST_POINTS = 240
LEAST_POINTS = 8
LEAST_JUDGED_S = 150.0  # of the second half: a run of five minutes


class Bound(NamedTuple):
    """How much a figure may grow over the time judged: `floor` + `per_hour` x hours, in the figure's own unit.

    `warm_up_s` is not judged, also where the first half of the run is shorter."""

    floor: float
    per_hour: float = 0.0
    warm_up_s: float = 0.0


class Judged(NamedTuple):
    """What the slope test found; `passed` is None when the run was too short to say."""

    figure: str
    unit: str
    points: int
    judged_s: float
    median: float
    slope_per_hour: float
    growth: float
    allowed: float
    least_seen_per_hour: float
    passed: bool | None


def theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the median slope of all pairs; 0.0 with fewer than two points of different x."""
    first, second = np.triu_indices(len(x), 1)
    run = x[second] - x[first]
    slopes = (y[second] - y[first])[run > 0] / run[run > 0]
    return float(np.median(slopes)) if len(slopes) else 0.0


def medians(
    times_s: NDArray[np.float64], values: NDArray[np.float64], most: int = MOST_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the points as medians of at most so many spans of equal time; empty spans have none."""
    spans = min(most, max(1, len(values) // 3))
    width_s = (times_s[-1] - times_s[0]) / spans or 1.0
    number = np.minimum(((times_s - times_s[0]) / width_s).astype(int), spans - 1)
    filled = np.unique(number)
    return (
        np.array([np.median(times_s[number == one]) for one in filled]),
        np.array([np.median(values[number == one]) for one in filled]),
    )


def judge(
    figure: str,
    unit: str,
    times_s: Sequence[float],
    values: Sequence[float],
    bound: Bound,
    least_judged_s: float = LEAST_JUDGED_S,
) -> Judged:
    """Judge a figure sampled at these times; NaN means that there was none, and is left out.

    Returns
    -------
    Judged
        Too short a run, or too few points, is neither passed nor failed.

    Threads: any. Cost: milliseconds.
    """
    x, y = np.asarray(times_s, float), np.asarray(values, float)
    if len(x):
        begin_s = x[0] + max((x[-1] - x[0]) * (1 - JUDGED_PART), bound.warm_up_s)
        late = ~np.isnan(y) & (x >= begin_s)
        x, y = x[late], y[late]
    span_s = float(x[-1] - x[0]) if len(x) else 0.0
    if len(y) < LEAST_POINTS or span_s <= 0:
        return Judged(figure, unit, len(y), span_s, math.nan, math.nan, math.nan, math.nan, math.nan, None)
    slope_per_hour = theil_sen(*medians(x, y)) * 3_600
    hours = span_s / 3_600
    growth, allowed = slope_per_hour * hours, bound.floor + bound.per_hour * hours
    passed = growth <= allowed if span_s >= least_judged_s else None
    median = float(np.median(y))
    return Judged(figure, unit, len(y), span_s, median, slope_per_hour, growth, allowed, allowed / hours, passed)
