"""AtomicCounter: exact under threads, clear about its range."""

import pickle

import numpy as np
import pytest
from helpers.threads import run_threads
from hypothesis import given
from hypothesis import strategies as st

from pricecore.primitives.counter import AtomicCounter

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
INT64 = st.integers(INT64_MIN, INT64_MAX)


def wrapped(number):
    """The model: integers modulo 2**64, read as signed."""
    return (number + 2**63) % 2**64 - 2**63


def test_a_counter_starts_at_zero():
    assert AtomicCounter().get() == 0


def test_add_without_argument_adds_one_and_returns_the_new_value():
    assert AtomicCounter(41).add() == 42


@given(start=INT64, steps=st.lists(INT64, max_size=20))
def test_any_sequence_of_adds_is_a_sum_that_wraps_around(start, steps):
    counter = AtomicCounter(start)
    total = start
    for step in steps:
        total = wrapped(total + step)
        assert counter.add(step) == total
    assert counter.get() == total


def test_reset_returns_what_was_held_and_leaves_zero():
    counter = AtomicCounter(-7)
    assert counter.reset() == -7
    assert counter.get() == 0


@pytest.mark.parametrize("number", [True, np.int64(1), np.uint8(1), 1])
def test_whatever_can_be_an_index_can_be_added(number):
    assert AtomicCounter().add(number) == 1


@pytest.mark.parametrize("number", [INT64_MAX + 1, INT64_MIN - 1, 10**30])
def test_numbers_beyond_int64_are_refused_with_the_number_and_the_range(number):
    counter = AtomicCounter(5)
    with pytest.raises(OverflowError, match=rf"n must be from -2\*\*63 to 2\*\*63 - 1, got {number}"):
        counter.add(number)
    with pytest.raises(OverflowError, match=f"value must be from .* got {number}"):
        AtomicCounter(number)
    assert counter.get() == 5


@pytest.mark.parametrize("number", [1.0, "1", None, b"1", np.float64(1)])
def test_what_is_no_integer_is_a_type_error_that_names_the_type(number):
    with pytest.raises(TypeError, match=f"n must be an int, got {type(number).__name__}"):
        AtomicCounter().add(number)


def test_repr_shows_the_value():
    assert repr(AtomicCounter(3)) == "AtomicCounter(3)"


def test_a_counter_does_not_pickle():
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(AtomicCounter())


def test_every_add_of_four_threads_gets_a_value_of_its_own():
    counter = AtomicCounter()
    seen = run_threads(4, lambda _: [counter.add() for _ in range(20_000)])
    assert sorted(value for values in seen for value in values) == list(range(1, 80_001))
    assert all(values == sorted(values) for values in seen)


@pytest.mark.stress
def test_adds_without_the_gil_lose_nothing_and_never_return_the_same_value(native):
    counter = AtomicCounter()
    times = 500_000
    sums = run_threads(4, lambda _: native.add_ones(counter, times))
    assert counter.get() == 4 * times
    # If each add saw its own value, together they saw 1 to 4 * times once.
    assert sum(sums) % 2**64 == 4 * times * (4 * times + 1) // 2


@pytest.mark.stress
def test_resets_while_others_add_report_every_add_once(native):
    counter = AtomicCounter()
    times = 500_000

    def body(index):
        return native.reset_often(counter, times) if index == 0 else native.add_ones(counter, times) and 0

    assert sum(run_threads(3, body)) + counter.reset() == 2 * times
