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


def test_a_lock_that_nobody_goes_on_with_is_free_for_others():
    is_over_after = native_module("cache_races").is_over_after
    assert all(is_over_after(calls) for calls in (0, 1, 1_000, 65_536, 10**9))
