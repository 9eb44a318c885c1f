"""Times of venues, told apart by their size."""

import pytest

from pricecore.feeds.decoding import epoch_ns


@pytest.mark.parametrize("time", [1_693_915_200_123, 1_693_915_200_123_000, 1_693_915_200_123_000_000])
def test_ms_us_and_ns_of_one_moment_are_the_same_time(time):
    assert epoch_ns(time) == 1_693_915_200_123_000_000
