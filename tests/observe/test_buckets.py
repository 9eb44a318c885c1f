"""The latency histogram as classic buckets: a subset of bounds, every count exact."""

import numpy as np
import pytest

from pricecore.metrics.summary import Histogram
from pricecore.observe import dashboard_state
from pricecore.observe.buckets import BOUND_INDEXES, BOUNDS_S, cumulative_counts

ALL_BOUNDS_S = Histogram(np.zeros(295, np.int64), 0).upper_bounds_s


def test_bounds_grow_and_are_bounds_of_the_engine():
    assert list(BOUND_INDEXES) == sorted(set(BOUND_INDEXES))
    assert set(BOUNDS_S) <= set(ALL_BOUNDS_S.tolist())
    assert BOUNDS_S[0] < 50e-9
    assert BOUNDS_S[-1] == 2.0
    assert len(BOUNDS_S) < 60


def test_bounds_are_close_around_the_target():
    below = max(bound for bound in BOUNDS_S if bound <= 0.001)
    above = min(bound for bound in BOUNDS_S if bound > 0.001)
    assert above / below < 1.1


@pytest.mark.parametrize("seed", range(5))
def test_every_count_is_that_of_the_engines_own_buckets(seed):
    counts = np.random.default_rng(seed).integers(0, 1_000, 295) * (np.arange(295) % 3 > 0)
    cumulative = cumulative_counts(Histogram(counts, 1).as_dict())
    at_bounds = dict(zip(ALL_BOUNDS_S.tolist(), np.cumsum(counts).tolist(), strict=True))
    assert cumulative == [*(at_bounds[bound] for bound in BOUNDS_S), int(counts.sum())]


def test_latency_at_a_bound_is_not_above_it(engine):
    for latency_ns in (0, 1, 15_625_000, 15_625_001, 98 * 10**9, 10**12):
        engine._record_latency(latency_ns)
    found = dict(zip(BOUNDS_S, cumulative_counts(dashboard_state(engine)["histogram"]), strict=False))
    assert (found[BOUNDS_S[0]], found[2**-7], found[2**-6], found[2**-5], found[2.0]) == (2, 2, 3, 4, 4)
    assert cumulative_counts(dashboard_state(engine)["histogram"])[-1] == 6


def test_without_a_latency_all_counts_are_zero(engine):
    assert cumulative_counts(dashboard_state(engine)["histogram"]) == [0] * (len(BOUNDS_S) + 1)
