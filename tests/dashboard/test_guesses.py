"""How many wrong tokens an address may give, by a clock of the test's own."""

import pytest

from pricecore.dashboard.guesses import MAX_ADDRESSES, MOST_GUESSES, WINDOW_S, Guesses


@pytest.fixture
def time_s():
    return [1_000.0]


@pytest.fixture
def guesses(time_s):
    return Guesses(clock=lambda: time_s[0])


def guess(guesses, address, count=MOST_GUESSES):
    for number in range(count):
        guesses.add(address, f"wrong-{number}")


def test_the_tenth_wrong_token_within_a_minute_is_the_last(guesses):
    guess(guesses, "192.0.2.1", MOST_GUESSES - 1)
    assert guesses.wait_s("192.0.2.1") == 0.0
    guess(guesses, "192.0.2.1")
    assert guesses.wait_s("192.0.2.1") == WINDOW_S
    assert guesses.wait_s("192.0.2.2") == 0.0


def test_each_guess_is_forgotten_a_minute_later(guesses, time_s):
    for number in range(MOST_GUESSES):
        guesses.add("192.0.2.1", f"wrong-{number}")
        time_s[0] += 1.0
    assert guesses.wait_s("192.0.2.1") == WINDOW_S - MOST_GUESSES
    time_s[0] += WINDOW_S - MOST_GUESSES
    assert guesses.wait_s("192.0.2.1") == 0.0
    guesses.add("192.0.2.1", "another")
    assert guesses.wait_s("192.0.2.1") == 1.0


def test_the_same_guess_counts_once(guesses, time_s):
    for _ in range(5 * MOST_GUESSES):
        guesses.add("192.0.2.1", "of before")
        time_s[0] += 0.1
    assert guesses.wait_s("192.0.2.1") == 0.0


def test_one_visitor_of_ipv6_has_64_bits_of_addresses(guesses):
    for number in range(MOST_GUESSES):
        guesses.add(f"2001:db8:0:1::{number:x}", f"wrong-{number}")
    assert guesses.wait_s("2001:db8:0:1:ffff::1") == WINDOW_S
    assert guesses.wait_s("2001:db8:0:2::1") == 0.0


def test_in_a_flood_of_addresses_the_one_is_forgotten_that_guessed_longest_ago(guesses):
    guess(guesses, "first")
    guess(guesses, "second")
    guesses.add("first", "wrong-0")
    for number in range(MAX_ADDRESSES - 1):
        guesses.add(f"flood-{number}", "wrong")
    assert (guesses.wait_s("first"), guesses.wait_s("second")) == (WINDOW_S, 0.0)
    assert len(guesses._made_at_s) == MAX_ADDRESSES
