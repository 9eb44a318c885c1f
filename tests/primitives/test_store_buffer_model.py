"""No wake is missed where stores linger: whichever way a writer without a fence and its readers come between."""

import pytest
from models.explore import Violation
from models.store_buffer import STORES, SWAPS, StoreBuffers

CASTS = {
    "one reader": ((STORES,) * 4, 1),
    "two readers": ((STORES,) * 3, 2),
    "a writer that swaps": ((SWAPS,) * 3, 2),
    "one that does both": ((STORES, SWAPS, STORES, STORES), 1),
}
TWINS = ("one look", "flag of another turn", "late announcement", "late note")


@pytest.mark.parametrize(("updates", "readers"), CASTS.values(), ids=CASTS)
def test_every_reader_comes_to_see_the_last_ticket(updates, readers):
    assert StoreBuffers(updates, readers).explore().ends == {len(updates)}


@pytest.mark.parametrize("twin", TWINS)
def test_broken_twin_misses_an_update(twin):
    with pytest.raises(Violation, match="sleeps on"):
        StoreBuffers(*CASTS["one reader"], twin).explore()


def test_writer_that_swaps_needs_no_second_look():
    assert StoreBuffers(*CASTS["a writer that swaps"], "one look").explore().ends == {3}
