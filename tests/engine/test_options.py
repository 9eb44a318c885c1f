"""The constructor's options: what rounds, what is exact, and bad values that are named."""

import math
from decimal import Decimal

import pytest

from pricecore import PriceEngine

WHOLE = ["max_symbols", "ring_capacity", "latency_window", "pool_buffers", "buffer_size"]


@pytest.mark.parametrize(
    ("asked", "given"), [(1, 1_024), (1_023, 1_024), (1_024, 1_024), (1_025, 2_048), (3_000, 4_096), (65_536, 65_536)]
)
def test_symbols_and_ring_round_up_to_a_power_of_two(make_engine, asked, given):
    engine = make_engine(max_symbols=asked, ring_capacity=asked)
    sizes = engine.segment.describe()
    assert (sizes["max_symbols"], sizes["ring_capacity"], engine.metrics().ring.capacity) == (given,) * 3


@pytest.mark.parametrize("capacity", [1, 2, 3, 1_000])
def test_other_capacities_are_exact(make_engine, capacity):
    engine = make_engine(latency_window=capacity, pool_buffers=capacity, buffer_size=capacity)
    assert engine.metrics().pool.capacity == capacity
    for _ in range(1_100):
        engine.update("A", 1.0)
    assert engine.metrics().latency.sample_count == capacity


def test_defaults_are_those_of_the_contract():
    with PriceEngine() as engine:
        sizes = engine.segment.describe()
        assert (sizes["max_symbols"], sizes["ring_capacity"], sizes["latency_window"]) == (65_536, 65_536, 10_000)
        assert engine.metrics().pool.capacity == 512


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [0, -1, 2**31, 2**64])
def test_capacity_out_of_range_is_a_value_error_that_names_it(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; it must lie between 1 and "):
        PriceEngine(**{name: value})


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [1_024.0, "1024", None, True, [1_024], Decimal(1_024), math.nan])
def test_capacity_that_is_no_int_is_a_type_error_that_names_it(name, value):
    with pytest.raises(TypeError) as caught:
        PriceEngine(**{name: value})
    assert f"{name} must be an int, not {value!r}" in str(caught.value)


@pytest.mark.parametrize("name", ["out_of_order", "on_bad"])
@pytest.mark.parametrize("value", ["", "Drop", "ignore", None, True, 1, ["drop"]])
def test_choice_that_is_none_is_a_value_error_that_lists_them(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*; it must be '(drop|raise)' or '(apply|count)'") as caught:
        PriceEngine(**{name: value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", [-1, -0.5, math.nan, math.inf, 1e10])
def test_future_limit_out_of_range_is_a_value_error(value):
    with pytest.raises(ValueError, match=r"max_future_s is .*; it must be 0 to 1e9 seconds, or None") as caught:
        PriceEngine(max_future_s=value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", ["60", True, [60], 60j])
def test_future_limit_that_is_no_number_is_a_type_error(value):
    with pytest.raises(TypeError, match="max_future_s must be a number of seconds, or None, not ") as caught:
        PriceEngine(max_future_s=value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", ["no", "", None, 0, 1, []])
def test_flag_that_is_no_bool_is_a_type_error(value):
    with pytest.raises(TypeError, match="allow_nonpositive must be True or False, not ") as caught:
        PriceEngine(allow_nonpositive=value)
    assert repr(value) in str(caught.value)


def test_option_that_does_not_exist_is_a_type_error():
    with pytest.raises(TypeError, match="max_symbol"):
        PriceEngine(max_symbol=5)


@pytest.mark.parametrize("value", [0, 0.5, 10**9, None])
def test_future_limits_that_are_taken(make_engine, value):
    assert make_engine(max_future_s=value).update("A", 1.0, timestamp_ns=1_723_075_200_000_000_000)
