"""Numbers of every kind and size as figures and times of an update: what is stored, and what is refused.

Exact floats and ints are read in place (pricecore/prices/numbers.pxd), ints from the digits of 30 bits that they
consist of; everything else by a call. Either way a figure is float(number), and a time is exact.
"""

import math
import struct
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pricecore import InvalidUpdateError, PriceEngine

EARLIEST_NS = 10**17
BORDERS = [0, 2**30, 2**31, 2**32, 2**53, 2**54, 2**60, 2**62, 2**63, 2**64, 2**90, 2**1023, 2**1024, 10**400]
any_int = st.one_of(
    st.integers(),
    st.integers(-(2**64), 2**64),
    st.builds(
        lambda border, step, sign: sign * (border + step),
        st.sampled_from(BORDERS), st.integers(-3, 3), st.sampled_from([1, -1]),
    ),
    st.builds(lambda half, bits: half << bits, st.integers(2**53, 2**55), st.integers(0, 12)),  # ties in rounding
)  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    """Takes every finite price and every time that there is."""
    with PriceEngine(
        max_symbols=1_024, ring_capacity=1_024, latency_window=10, pool_buffers=1,
        allow_nonpositive=True, max_future_s=None, out_of_order="apply",
    ) as made:  # fmt: skip
        yield made


def as_float(number):
    """Return float(number), infinite where that is too large."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def bits(value):
    return struct.pack("<d", value)


def update(engine, **figures):
    """Return the trade that is stored then, or the reason for which it is refused."""
    try:
        assert engine.update(**({"symbol": "A", "price": 1.0} | figures)) is True
    except InvalidUpdateError as error:
        return error.reason
    return engine.get("A")


def update_quote(engine, **figures):
    try:
        assert engine.update_quote(**({"symbol": "A", "bid": 1.0, "ask": 2.0} | figures)) is True
    except InvalidUpdateError as error:
        return error.reason
    return engine.quote("A")


def assert_figure(outcome, name, value, refused):
    """It is stored bit by bit, or refused for this reason."""
    if refused:
        assert outcome == refused
    else:
        assert bits(getattr(outcome, name)) == bits(value)


def assert_figures(engine, number):
    """Give the number as every figure that there is."""
    value = as_float(number)
    infinite, bad_amount = math.isinf(value), not 0.0 <= value < math.inf
    assert_figure(update(engine, price=number), "price", value, infinite and "price_not_finite")
    assert_figure(update(engine, volume=number), "volume", value, bad_amount and "volume")
    assert_figure(update(engine, change_24h=number), "change_24h", value, infinite and "change")
    for side in ("bid", "ask"):
        assert_figure(update_quote(engine, **{side: number}), side, value, infinite and "price_not_finite")
        size = f"{side}_size"
        assert_figure(update_quote(engine, **{size: number}), size, value, bad_amount and "size")


def time_refusal(time_ns):
    if not -(2**63) <= time_ns < 2**63:
        return "time_overflow"
    if time_ns < 0:
        return "time_negative"
    return "time_unit" if 0 < time_ns <= EARLIEST_NS else ""


def assert_time(engine, given_ns, time_ns):
    for outcome in (update(engine, timestamp_ns=given_ns), update_quote(engine, timestamp_ns=given_ns)):
        if refused := time_refusal(time_ns):
            assert outcome == refused
        else:
            assert outcome.timestamp_ns == time_ns


@settings(max_examples=500, deadline=None)
@given(any_int)
@example(2**53 + 1)
@example(2**63 - 1)
@example(-(2**63))
@example(2**60 + 2**7)
def test_int_of_any_size_is_the_figure_that_float_makes_of_it(engine, number):
    assert_figures(engine, number)


@settings(max_examples=500, deadline=None)
@given(any_int)
@example(2**63 - 1)
@example(2**63)
@example(-(2**63))
@example(-(2**63) - 1)
@example(EARLIEST_NS)
@example(EARLIEST_NS + 1)
def test_int_of_any_size_is_a_time_exactly_or_is_refused(engine, number):
    assert_time(engine, number, number)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_ints_beside_every_border_are_right_with_both_signs(engine, border, step):
    for number in (border + step, -border - step):
        assert_figures(engine, number)
        assert_time(engine, number, number)


@settings(max_examples=200, deadline=None)
@given(st.floats())
@example(math.nan)
@example(-0.0)
@example(5e-324)
def test_float_is_the_figure_bit_by_bit_unless_it_is_not_finite(engine, number):
    if math.isnan(number):
        assert update(engine, price=number) == "price_not_finite"
        assert update(engine, volume=number) == "volume"
        assert math.isnan(update(engine, change_24h=number).change_24h)
    else:
        assert_figures(engine, number)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.fractions(), st.decimals(allow_nan=False, allow_infinity=False), any_int.map(Fraction)))
def test_fractions_and_decimals_are_the_figures_that_float_makes_of_them(engine, number):
    assert_figures(engine, number)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "Infinity", "-Infinity"])
def test_decimal_that_no_float_holds_is_infinite(engine, number):
    assert_figures(engine, Decimal(number))


@pytest.mark.parametrize("number", ["NaN", "sNaN", "-NaN"])
def test_nan_of_decimal_is_a_nan(engine, number):
    assert update(engine, price=Decimal(number)) == "price_not_finite"
    assert math.isnan(update(engine, change_24h=Decimal(number)).change_24h)


@pytest.mark.parametrize("number", [True, False])
def test_bool_is_one_or_zero(engine, number):
    assert_figures(engine, number)
    assert_time(engine, number, int(number))


NUMPY_FLOATS = [np.dtype(code).type for code in np.typecodes["Float"]]
NUMPY_INTS = [np.dtype(code).type for code in np.typecodes["AllInteger"]]


@pytest.mark.parametrize("kind", [*NUMPY_FLOATS, *NUMPY_INTS, np.bool_])
def test_every_real_scalar_of_numpy_is_the_figure_that_float_makes_of_it(engine, kind):
    for number in (0, 1, 5, 100, 0.25):
        assert_figures(engine, kind(number))
        assert_figures(engine, np.array(number, kind))


@pytest.mark.parametrize("kind", NUMPY_INTS)
def test_every_int_of_numpy_is_a_time_to_both_ends_of_its_range(engine, kind):
    for number in (0, 1, np.iinfo(kind).min, np.iinfo(kind).max):
        assert_time(engine, kind(number), int(number))
        assert_figures(engine, kind(number))


@pytest.mark.parametrize("value", [np.float64, np.float32, np.bool_, np.complex128], ids=lambda kind: kind.__name__)
def test_scalar_of_numpy_that_is_no_int_is_no_time(engine, value):
    with pytest.raises(TypeError, match=f"timestamp_ns must be an int.*not {value.__name__.rstrip('_')}"):
        update(engine, timestamp_ns=value(1))


NUMPY_NO_NUMBERS = [
    np.complex64(5),
    np.complex128(5 + 1j),
    np.clongdouble(5),
    np.datetime64(5, "ns"),
    np.datetime64("NaT", "ns"),
    np.timedelta64(5, "ns"),
    np.timedelta64(5, "s"),
    np.bytes_(b"5"),
    np.str_("5"),
    np.array("5"),
    np.array(b"5"),
    np.array(5 + 1j),
    np.array("2024-01-01", "M8[ns]"),
]


def show(value):
    return f"{type(value).__name__}-{value!r}"[:40]


@pytest.mark.parametrize("value", NUMPY_NO_NUMBERS, ids=show)
@pytest.mark.parametrize("name", ["price", "volume", "change_24h"])
def test_scalar_of_numpy_that_is_no_real_number_is_refused_although_it_has_a_float(engine, name, value):
    before = engine.metrics().ring.sequence
    with pytest.raises(TypeError, match=f"{name} must be a number, not {type(value).__name__} "):
        update(engine, **{name: value})
    assert engine.metrics().ring.sequence == before


@pytest.mark.parametrize("text", ["5", "5.0", " 5", "nan", "inf", "0x5", ""])
def test_text_is_no_number_and_no_time(engine, text):
    for name in ("price", "volume", "change_24h"):
        with pytest.raises(TypeError, match=f"{name} must be a number, not str"):
            update(engine, **{name: text})
    with pytest.raises(TypeError, match="timestamp_ns must be an int"):
        update(engine, timestamp_ns=text)


class OddInt(int):
    """An int that says it were others."""

    def __float__(self):
        return 7.5

    def __index__(self):
        return 9

    def __int__(self):
        return 11


class OddFloat(float):
    def __float__(self):
        return 7.5


class Indexed:
    """No number, but as good as one."""

    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


def test_subclass_of_int_is_what_its_float_says_and_as_a_time_what_it_holds(engine):
    assert_figures(engine, OddInt(5))
    assert update(engine, price=OddInt(5)).price == 7.5
    for time_ns in (0, 5, EARLIEST_NS + 1, 2**63 - 1, 2**63, -(2**63)):
        assert_time(engine, OddInt(time_ns), time_ns)


def test_subclass_of_float_is_the_float_that_it_holds(engine):
    assert update(engine, price=OddFloat(5.0)).price == 5.0
    assert update_quote(engine, bid=OddFloat(5.0)).bid == 5.0


@settings(deadline=None)
@given(any_int)
def test_whatever_has_an_index_is_that_int(engine, number):
    assert_time(engine, Indexed(number), number)


@pytest.mark.parametrize("error", [ValueError, OSError, RecursionError])
def test_number_whose_conversion_raises_keeps_its_error(engine, error):
    class Broken:
        def __float__(self):
            raise error("broken")

        def __index__(self):
            raise error("broken")

    before = engine.metrics().ring.sequence
    for name in ("price", "volume", "change_24h", "timestamp_ns"):
        with pytest.raises(error, match="broken"):
            update(engine, **{name: Broken()})
    assert engine.metrics().ring.sequence == before
