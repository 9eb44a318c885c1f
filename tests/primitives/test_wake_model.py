"""No wake is missed, whichever way writers and readers come between each other."""

import pytest
from models.explore import Violation
from models.wake_protocol import explore


def test_every_reader_comes_to_see_the_last_ticket():
    explored = explore()
    assert explored.ends == {"all seen"}
    assert explored.states > 10_000


@pytest.mark.parametrize("twin", ["same turn", "early look", "late announcement"])
def test_broken_twin_misses_a_wake(twin):
    with pytest.raises(Violation):
        explore(twin)
