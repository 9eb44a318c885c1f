"""No wake is missed, whichever way writers, readers and who closes come between each other."""

import pytest
from models.explore import Violation
from models.wake_protocol import Cast, WakeProtocol
from models.wake_steps import LOOPS, THREADS

OPEN = {
    "two threads": Cast((1, 1), (THREADS, THREADS)),
    "two loops": Cast((1, 1), (LOOPS, LOOPS)),
    "a thread and a loop": Cast((1, 1), (THREADS, LOOPS)),
    "a thread, more updates": Cast((2, 1), (THREADS,)),
    "a loop, more updates": Cast((2, 1), (LOOPS,)),
}
ENGINE_CLOSES = {
    "a thread": Cast((1, 1), (THREADS,), closes="engine"),
    "a loop": Cast((1, 1), (LOOPS,), closes="engine"),
}
SUBSCRIPTION_CLOSES = {
    "of a thread": Cast((1,), (THREADS, LOOPS), closes="first"),
    "of a loop": Cast((1,), (LOOPS, THREADS), closes="first"),
}
UPDATE_TWINS = (
    *("same turn", "late turn", "early look", "threads alone", "loops alone"),
    *("late announcement", "late note", "announcement over others", "late forgetting"),
)
CLOSE_TWINS = (
    *("no gate look", "early gate look", "early wake"),
    *("close in the same turn", "close wakes threads alone", "close wakes loops alone"),
)


@pytest.mark.parametrize("cast", OPEN.values(), ids=OPEN)
def test_every_reader_comes_to_see_the_last_ticket(cast):
    assert WakeProtocol(cast).explore().ends == {sum(cast.updates)}


@pytest.mark.parametrize("cast", ENGINE_CLOSES.values(), ids=ENGINE_CLOSES)
def test_when_the_engine_closes_every_reader_comes_to_see_its_last_ticket_and_its_end(cast):
    assert WakeProtocol(cast).explore().ends == {0, 1, 2}  # it may close before any update


@pytest.mark.parametrize("cast", SUBSCRIPTION_CLOSES.values(), ids=SUBSCRIPTION_CLOSES)
def test_when_a_subscription_closes_its_reader_wakes_and_the_others_miss_nothing(cast):
    assert WakeProtocol(cast).explore().ends == {1}


@pytest.mark.parametrize("twin", UPDATE_TWINS)
def test_broken_twin_misses_an_update(twin):
    with pytest.raises(Violation, match="sleeps on"):
        WakeProtocol(OPEN["a thread and a loop"], twin).explore()


@pytest.mark.parametrize("cast", SUBSCRIPTION_CLOSES.values(), ids=SUBSCRIPTION_CLOSES)
@pytest.mark.parametrize("twin", CLOSE_TWINS)
def test_broken_twin_misses_a_close(twin, cast):
    with pytest.raises(Violation, match="sleeps on"):
        WakeProtocol(cast, twin).explore()


@pytest.mark.parametrize("cast", ENGINE_CLOSES.values(), ids=ENGINE_CLOSES)
def test_broken_twin_ends_before_the_last_ticket(cast):
    with pytest.raises(Violation, match="was told the end"):
        WakeProtocol(cast, "ends by the status").explore()
