"""The latency histogram: exact buckets, and what people and exporters read from it."""

import dataclasses
import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.latency import bound_ns, percentile, within_bound

from pricecore.metrics.histogram import _bucket, _histogram, _layout
from pricecore.metrics.summary import Histogram

SCHEMA, FIRST, BUCKETS = _layout()
LAST = BUCKETS - 1
TOP = 2**64 - 1


def test_python_and_compiled_side_agree_on_the_layout():
    histogram = _histogram([])
    assert (histogram.schema, histogram.first, len(histogram.counts)) == (SCHEMA, FIRST, BUCKETS)


def test_zero_alone_goes_to_the_first_bucket():
    assert (_bucket(0), _bucket(1)) == (0, 1)
    assert bound_ns(FIRST) == 0
    assert bound_ns(FIRST + 1) == 1


@pytest.mark.parametrize("k", range(FIRST, FIRST + LAST))
def test_bound_is_inclusive_and_one_ns_more_is_above_it(k):
    bound = bound_ns(k)
    assert _bucket(bound) <= k - FIRST
    assert _bucket(bound + 1) > k - FIRST
    if bound > bound_ns(k - 1):
        assert _bucket(bound) == k - FIRST


def test_range_reaches_beyond_64_seconds():
    assert bound_ns(FIRST + LAST - 1) > 64 * 10**9


@pytest.mark.parametrize("ns", [bound_ns(FIRST + LAST - 1) + 1, 10**12, 2**63, TOP])
def test_last_bucket_holds_all_above(ns):
    assert _bucket(ns) == LAST


def test_one_second_is_a_bound():
    assert _bucket(10**9) + FIRST == 0
    assert _bucket(10**9 + 1) + FIRST == 1


@settings(deadline=None)
@given(st.one_of(st.integers(1, 10**5), st.integers(1, 98 * 10**9), st.integers(0, 36).map(lambda bit: 1 << bit)))
def test_bucket_of_any_ns_agrees_with_its_definition(ns):
    k = _bucket(ns) + FIRST
    assert within_bound(ns, k)
    assert not within_bound(ns, k - 1)


def test_buckets_never_decrease():
    buckets = [_bucket(ns) for ns in range(100_000)]
    assert buckets == sorted(buckets)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**12), max_size=50), st.integers(0, 1_000_000))
def test_counts_and_sum_are_those_of_the_latencies(latencies, repeats):
    histogram = _histogram(latencies, repeats)
    assert histogram.count == len(latencies) * repeats
    assert histogram.sum_ns == sum(latencies) * repeats
    assert {i: n for i, n in enumerate(histogram.counts.tolist()) if n} == {
        bucket: n * repeats for bucket, n in Counter(map(_bucket, latencies)).items() if repeats
    }


def test_sum_wraps_at_two_to_the_64():
    assert _histogram([TOP, 3]).sum_ns == 2


def test_histogram_is_frozen():
    histogram = _histogram([1])
    with pytest.raises(dataclasses.FrozenInstanceError):
        histogram.sum_ns = 3
    with pytest.raises(ValueError, match="read-only"):
        histogram.counts[0] = 1


def test_upper_bounds_are_powers_of_two_in_seconds():
    bounds = _histogram([]).upper_bounds_s
    assert bounds[-FIRST] == 1.0
    assert bounds[8 - FIRST] == 2.0
    assert bounds[-1] == np.inf
    assert np.allclose(bounds[1:-1] / bounds[:-2], 2 ** (1 / 8))


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 90 * 10**9), min_size=1, max_size=200),
    st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(95, 100), Fraction(999, 1_000), Fraction(1)]),
)
def test_quantile_is_within_a_bucket_of_the_exact_percentile(latencies, q):
    exact_us = percentile(latencies, q) / 1e3
    estimate_us = _histogram(latencies).quantile_us(float(q))
    assert exact_us / 1.0906 <= estimate_us <= exact_us * 1.0906


def test_quantile_of_nothing_and_of_zeros_is_zero():
    assert _histogram([]).quantile_us(0.5) == 0.0
    assert _histogram([0, 0, 0]).quantile_us(1) == 0.0


def test_quantile_beyond_the_last_bound_is_that_bound():
    assert _histogram([10**15]).quantile_us(0.5) == pytest.approx(2 ** (53 / 8) * 1e6)


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan")])
def test_quantile_outside_zero_to_one_is_refused(q):
    with pytest.raises(ValueError, match="must be a fraction from 0 to 1"):
        _histogram([1]).quantile_us(q)


def test_dict_is_json_with_native_indices_and_zeros_and_overflow_apart():
    got = json.loads(json.dumps(_histogram([0, 10**9, 10**9, 10**9 + 1, 10**15]).as_dict()))
    assert got["buckets"] == {"0": 2, "1": 1}
    assert (got["zero_count"], got["overflow_count"], got["count"], got["schema"]) == (1, 1, 5, 3)


def test_repr_is_one_short_line():
    assert repr(_histogram([1_000] * 4)) == "Histogram(count=4, sum_ns=4000, p50_us=1.01)"
    assert isinstance(_histogram([]), Histogram)
