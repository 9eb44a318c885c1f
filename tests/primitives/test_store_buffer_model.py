"""No wake is missed where stores linger: whichever way a writer without a fence and its readers come between."""

import pytest
from models.explore import Violation
from models.store_buffer import STORES, SWAPS, StoreBuffers

CASTS = {
    "one reader": (((STORES, 3),), 1),
    "two readers": (((STORES, 2),), 2),
    "a writer that swaps": (((SWAPS, 2),), 2),
    "then one that stores": (((SWAPS, 1), (STORES, 2)), 1),
    "then one that swaps": (((STORES, 2), (SWAPS, 1)), 1),
    "there and back": (((STORES, 1), (SWAPS, 1), (STORES, 1)), 1),
}
TWINS = {
    "no fence": "one reader",
    "fence before the flag": "one reader",
    "look before the fence": "one reader",
    "ask before the flag": "then one that stores",
    "choice by a store": "then one that stores",
}


@pytest.mark.parametrize("cast", CASTS.values(), ids=CASTS)
def test_every_reader_comes_to_see_the_last_ticket(cast):
    writers, readers = cast
    assert StoreBuffers(writers, readers).explore().ends == {sum(updates for _, updates in writers)}


@pytest.mark.parametrize(("twin", "cast"), TWINS.items(), ids=TWINS)
def test_broken_twin_misses_an_update(twin, cast):
    with pytest.raises(Violation, match="sleeps on"):
        StoreBuffers(*CASTS[cast], twin).explore()


def test_writer_that_swaps_needs_no_fence():
    assert StoreBuffers(*CASTS["a writer that swaps"], "no fence").explore().ends == {2}
