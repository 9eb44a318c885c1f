"""The lock by turns: whoever takes it how often, nothing that is changed under it is lost."""

import pytest
from helpers.cache_races import RIGHT
from helpers.rooms import native_module


@pytest.mark.parametrize("scenario", RIGHT)
def test_what_is_changed_under_it_stays_whole(scenario):
    RIGHT[scenario](native_module("cache_races"))
