"""The slope test sees a leak among noise and faults, and takes neither for one."""

import numpy as np
import pytest
from soak.slope import Bound, judge, medians, theil_sen

HOUR_S = 3_600.0
EVERY_S = 5.0
BOUND = Bound(floor=4.0, per_hour=0.25)  # MiB


def run_of(hours, seed=0):
    """Return the times of the samples of a run, and noise of 1 MiB around 100 MiB."""
    times_s = np.arange(0.0, hours * HOUR_S, EVERY_S)
    return times_s, 100.0 + np.random.default_rng(seed).normal(0.0, 1.0, len(times_s))


def judged(times_s, values):
    return judge("memory", "MiB", times_s, values, BOUND)


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_leak(seed):
    assert judged(*run_of(1, seed)).passed


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_that_is_larger_than_the_bound_is_seen_in_noise(seed):
    times_s, values = run_of(1, seed)
    found = judged(times_s, values + 10.0 * times_s / HOUR_S)
    assert found.passed is False
    assert found.slope_per_hour == pytest.approx(10.0, rel=0.25)


def test_a_small_leak_is_seen_once_the_run_is_long_enough():
    for hours, passed in ((0.5, True), (24, False)):
        times_s, values = run_of(hours)
        assert judged(times_s, values + 1.0 * times_s / HOUR_S).passed is passed


def test_the_least_leak_that_is_seen_is_told():
    times_s, values = run_of(2)
    least = judged(times_s, values).least_seen_per_hour
    assert judged(times_s, values + 0.8 * least * times_s / HOUR_S).passed
    assert judged(times_s, values + 1.2 * least * times_s / HOUR_S).passed is False


def test_a_leak_in_steps_is_seen():
    times_s, values = run_of(2)
    assert judged(times_s, values + np.floor(times_s / 360.0)).passed is False  # 1 MiB with every sixth fault


def test_a_saw_of_files_that_come_and_go_is_no_leak():
    times_s, values = run_of(1)
    assert judged(times_s, values + times_s % 47.0).passed


def test_faults_that_throw_the_figure_up_for_a_while_are_no_leak():
    times_s, values = run_of(1)
    values[(times_s % 300.0) < 60.0] += 500.0
    assert judged(times_s, values).passed


def test_what_a_start_takes_is_no_leak():
    times_s, values = run_of(1)
    assert judged(times_s, values + np.minimum(times_s, 1_500.0)).passed


def test_a_run_that_is_hardly_longer_than_the_warm_up_is_not_judged():
    bound = Bound(floor=4.0, warm_up_s=900.0)
    for minutes, passed in ((10, None), (16, None), (18, False)):
        times_s = np.arange(0.0, minutes * 60.0, EVERY_S)
        assert judge("memory", "MiB", times_s, times_s / 10.0, bound).passed is passed


def test_a_figure_that_falls_is_no_leak():
    times_s, values = run_of(1)
    assert judged(times_s, values - 20.0 * times_s / HOUR_S).passed


def test_samples_that_are_missing_are_left_out():
    times_s, values = run_of(1)
    values[::3] = np.nan
    assert judged(times_s, values).passed
    assert judged(times_s, values + 10.0 * times_s / HOUR_S).passed is False


def test_a_run_that_is_too_short_is_not_judged():
    times_s = np.arange(0.0, 60.0)
    found = judged(times_s, times_s * 1_000)
    assert found.passed is None
    assert found.slope_per_hour == pytest.approx(1_000 * HOUR_S)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_few_samples_are_not_judged(count):
    found = judged(np.arange(count) * 100.0, np.full(count, np.nan if count == 7 else 1.0))
    assert found.passed is None


def test_the_slope_of_a_line_is_exact_and_bad_points_do_not_bend_it():
    x = np.arange(100.0)
    y = 3.0 * x + 7.0
    y[::4] = 1e9
    assert theil_sen(x, 3.0 * x) == 3.0
    assert theil_sen(x, y) == pytest.approx(3.0, abs=0.5)


def test_a_day_of_samples_becomes_few_points():
    times_s, values = run_of(24)
    x, y = medians(times_s, values)
    assert len(x) == len(y) <= 240
    assert abs(y - 100.0).max() < 1.0
