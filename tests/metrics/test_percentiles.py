"""The summary of latencies equals its definition, for any distribution and any size."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.latency import percentile, round_half_away, summary

from pricecore.metrics.percentiles import _rank_of, _summarize
from pricecore.metrics.selection import _select

TOP = 2**64 - 1
N = 10_000


def summarize(samples) -> dict:
    return _summarize(np.array(samples, dtype=np.uint64))


def check(samples: list[int]) -> None:
    """Compare with the definition; the mean, a double, to one part in 10^12."""
    got, want = summarize(samples), summary(samples)
    mean, exact_mean = got.pop("mean_ns"), want.pop("mean_ns")
    assert got == want
    assert abs(Fraction(mean) - exact_mean) <= exact_mean / 10**12


def spread(n: int) -> list[int]:
    """Most latencies in 500 to 1,499 ns, one in a hundred up to 100 us, in no order."""
    random = np.random.default_rng(7)
    return np.where(np.arange(n) % 100 == 0, random.integers(0, 100_000, n), random.integers(500, 1_500, n)).tolist()


def distributions() -> dict[str, list[int]]:
    random = np.random.default_rng(11)
    coin = random.random(N) < 0.5
    return {
        "usual": spread(N),
        "every small value": random.integers(0, 4_096, N).tolist(),
        "around the border of small": (4_090 + random.integers(0, 12, N)).tolist(),
        "all equal, small": [700] * N,
        "all equal, large": [5_000_000_000] * N,
        "all equal, the largest": [TOP] * N,
        "distinct and sorted": [100_000 + 997 * i for i in range(N)],
        "distinct and reversed": [100_000 + 997 * i for i in reversed(range(N))],
        "distinct and shuffled": (10**6 + 1_000 * random.permutation(N)).tolist(),
        "two large values": np.where(coin, 9_000, 10**9).tolist(),
        "a small and a large value": np.where(coin, 100, 10**9).tolist(),
        "near 2^63": [2**63 - N // 2 + i for i in range(N)],
        "near 2^64": [TOP - 997 * i for i in range(N)],
        "huge outliers": [2**62 if i % 100 == 0 else 600 + i % 99 for i in range(N)],
        "large with a huge outlier": [TOP, *(20_000 + i for i in range(N - 1))],
        "powers of two": [1 << (i % 64) for i in range(N)],
        "clusters within one octave": [2**60 + (1 << (i % 50)) for i in range(N)],
        "long tail": (5_000 * (1 + random.pareto(1.2, N))).astype(np.uint64).tolist(),
        "any 64 bits": random.integers(0, TOP, N, dtype=np.uint64, endpoint=True).tolist(),
    }


@pytest.mark.parametrize("samples", distributions().values(), ids=distributions().keys())
def test_summary_equals_its_definition(samples):
    check(samples)


def test_no_samples_give_zero_everywhere():
    assert set(summarize([]).values()) == {0}


@pytest.mark.parametrize("value", [0, 1, 4_095, 4_096, 2**63, TOP])
def test_one_sample_is_every_figure(value):
    got = summarize([value])
    assert got.pop("count") == 1
    assert got.pop("mean_ns") == float(value)
    assert set(got.values()) == {value}


@pytest.mark.parametrize("n", [1, 2, 3, 11, 20, 21, 100, 101, 501, 999, 1_000, 1_001, 2_001, 64_000_001])
@pytest.mark.parametrize("permille", [500, 950, 990, 999])
def test_rank_rounds_half_away_from_zero(n, permille):
    assert _rank_of(n, permille) == round_half_away((n - 1) * Fraction(permille, 1_000))


def test_median_of_two_is_the_upper_one():
    assert summarize([10, 20])["p50_ns"] == 20


@pytest.mark.parametrize("n", range(1, 140))
def test_every_small_size_agrees(n):
    check(spread(n))
    check([(i * 7_919 % n) * 1_000 + 5_000 for i in range(n)])


def test_mean_of_equal_samples_is_that_sample():
    assert summarize([1_234_567] * 1_000_000)["mean_ns"] == 1_234_567


def test_mean_of_the_largest_samples_does_not_overflow():
    assert summarize([TOP] * 1_000)["mean_ns"] == float(TOP)


values = st.one_of(
    st.integers(0, 5_000),
    st.integers(4_090, 4_100),
    st.integers(0, TOP),
    st.integers(0, 63).map(lambda bit: 1 << bit),
    st.sampled_from([0, 4_095, 4_096, 10**9, 2**63, TOP]),
)


@settings(deadline=None)
@given(st.lists(values, max_size=400))
def test_any_list_agrees_with_the_definition(samples):
    check(samples)


@settings(deadline=None)
@given(st.lists(values, min_size=1, max_size=40), st.integers(1, 60))
def test_repeated_values_agree_with_the_definition(samples, repeats):
    check(samples * repeats)


@settings(deadline=None)
@given(st.integers(1, 2_000), st.integers(0, 60), st.integers(1, 2**40), st.integers(0, 2**32))
def test_any_scale_agrees_with_the_definition(n, base_bits, span, seed):
    check(((1 << base_bits) + np.random.default_rng(seed).integers(0, span, n)).tolist())


@settings(deadline=None)
@given(st.lists(values, min_size=1, max_size=300), st.data())
def test_selection_answers_any_ranks(samples, data):
    ranks = sorted(data.draw(st.lists(st.integers(0, len(samples) - 1), min_size=1, max_size=8)))
    got = _select(np.array(samples, dtype=np.uint64), ranks)
    assert got.tolist() == [sorted(samples)[rank] for rank in ranks]


def test_selection_refines_where_values_share_their_leading_bits():
    samples = [2**63 + (i * 7_919 % 5_003) for i in range(5_003)] + [1, 2**20]
    ranks = [0, 1, 2, 2_500, 5_004]
    assert _select(np.array(samples, dtype=np.uint64), ranks).tolist() == [sorted(samples)[rank] for rank in ranks]


def test_definition_of_the_model_on_a_known_list():
    assert percentile(range(1, 11), Fraction(1, 2)) == 6  # round(9 * 0.5) = 5 counts from 0
    assert percentile(range(1, 101), Fraction(95, 100)) == 95  # round(94.05) = 94


def test_millions_of_samples_agree_with_a_sort():
    samples = np.random.default_rng(3).lognormal(9, 2, 4_000_000).astype(np.uint64)
    ordered = np.sort(samples)
    got = _summarize(samples)
    for name, permille in (("p50_ns", 500), ("p95_ns", 950), ("p99_ns", 990), ("p999_ns", 999)):
        assert got[name] == ordered[_rank_of(len(ordered), permille)]
