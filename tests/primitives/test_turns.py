"""The lock by turns: whoever takes it how often, nothing that is changed under it is lost."""

import pytest
from helpers.cache_races import RIGHT
from helpers.rooms import native_module


@pytest.mark.parametrize("scenario", RIGHT)
def test_what_is_changed_under_it_stays_whole(scenario):
    RIGHT[scenario](native_module("cache_races"))


def test_a_short_visit_does_not_begin_the_turn_of_who_comes_back_anew():
    since = native_module("cache_races").since_after_visit
    assert [since(calls) for calls in (1, 63, 64, 5_000)] == [0, 0, 1_064, 6_000]


def doublings(*turns):
    return native_module("cache_races").doublings_after(turns)


def test_turns_of_threads_that_all_go_on_double_up_to_eight_times():
    assert doublings(*[(1, 50_000), (2, 50_000)] * 4) == [0, 0, 1, 2, 3, 3, 3, 3]


def test_visits_leave_turns_as_long_as_they_are():
    assert doublings((1, 50_000), (2, 10), (1, 90_000), (2, 10), (1, 900_000), (2, 10)) == [0] * 6
    grown = [(1, 50_000), (2, 50_000), (1, 50_000)]
    assert doublings(*grown, (2, 10), (1, 20), (2, 10), (1, 20), (2, 10))[2:] == [1, 2, 2, 2, 2, 2]


def test_turns_that_are_left_early_shorten_the_next():
    grown = [(1, 50_000), (2, 50_000)] * 3
    assert doublings(*grown, (1, 5_000), (2, 5_000), (1, 5_000), (2, 1))[5:] == [3, 3, 1, 0, 0]


@pytest.mark.parametrize("has_slept", [False, True])
def test_a_lock_that_nobody_goes_on_with_is_free_for_others(has_slept):
    is_over_after = native_module("cache_races").is_over_after
    assert all(is_over_after(calls, has_slept) for calls in (0, 1, 1_000, 65_536, 10**9))
