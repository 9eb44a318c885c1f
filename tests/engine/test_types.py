"""Which Python types are numbers, symbols and times: the others raise TypeError, and are not counted."""

import datetime as dt
import re
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from pricecore import EngineClosedError

TIME = 1_723_075_200_123_456_789

NUMBERS = [
    5,
    5.0,
    True,
    Decimal("5.25"),
    Fraction(21, 4),
    *(kind(5) for kind in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64)),
    *(kind(5.25) for kind in (np.float16, np.float32, np.float64, np.longdouble)),
    np.array(5.25),
]
NO_NUMBERS = ["5.0", np.str_("5.0"), b"5.0", bytearray(b"5"), None, 5j, [5.0], (5.0,), {}, object(), pd.NA]
NO_TIMES = [
    1.7e18,
    float(TIME),
    np.float64(TIME),
    Decimal(TIME),
    dt.datetime(2024, 8, 8, tzinfo=dt.UTC),
    dt.date(2024, 8, 8),
    dt.timedelta(seconds=1),
    np.datetime64(TIME, "ns"),
    pd.Timestamp(TIME, unit="ns"),
    pd.NaT,
    "2024-08-08",
    str(TIME),
    None,
]
NO_SYMBOLS = [None, 5, 5.0, b"A", ("A",), object(), np.int32(0)]


def show(value):
    return f"{type(value).__name__}-{value!r}".partition(" at 0x")[0][:40]


def assert_untouched(engine):
    m = engine.metrics()
    assert (m.messages_received, m.errors, m.ring.sequence, m.symbols) == (0, 0, 0, 0)


@pytest.mark.parametrize("number", NUMBERS, ids=show)
def test_every_kind_of_number_is_a_price_volume_and_change(engine, number):
    assert engine.update("A", number, number, 0, number)
    expected = float(number)
    assert engine.get("A")[1:3] == (expected, expected)
    assert engine.get("A").change_24h == expected
    assert type(engine.price("A")) is float


@pytest.mark.parametrize("number", NUMBERS, ids=show)
def test_every_kind_of_number_is_a_side_and_a_size(engine, number):
    assert engine.update_quote("A", number, number, number, number)
    assert engine.quote("A")[1:5] == (float(number),) * 4


@pytest.mark.parametrize("value", NO_NUMBERS, ids=show)
@pytest.mark.parametrize("name", ["price", "volume", "change_24h"])
def test_what_is_no_number_raises_a_type_error_that_names_the_argument(engine, name, value):
    with pytest.raises(TypeError, match=f"{name} must be a number, not {type(value).__name__} "):
        engine.update(**({"symbol": "A", "price": 1.0} | {name: value}))
    assert_untouched(engine)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=show)
@pytest.mark.parametrize("name", ["bid", "ask", "bid_size", "ask_size"])
def test_what_is_no_number_is_no_side_and_no_size(engine, name, value):
    with pytest.raises(TypeError, match=f"{name} must be a number"):
        engine.update_quote(**({"symbol": "A", "bid": 1.0, "ask": 2.0} | {name: value}))
    assert_untouched(engine)


@pytest.mark.parametrize("call", ["update", "update_quote"])
@pytest.mark.parametrize("value", NO_TIMES, ids=show)
def test_what_is_no_int_is_no_time_and_the_error_says_where_to_get_one(engine, call, value):
    with pytest.raises(TypeError, match=r"timestamp_ns must be an int.*time\.time_ns\(\).*\.value") as caught:
        getattr(engine, call)("A", 1.0, 2.0, timestamp_ns=value)
    assert type(value).__name__ in str(caught.value)
    assert_untouched(engine)


@pytest.mark.parametrize("kind", [int, np.int64, np.uint64, np.array, np.longlong])
def test_every_kind_of_int_is_a_time(engine, kind):
    assert engine.update("A", 1.0, timestamp_ns=kind(TIME))
    assert engine.get("A").timestamp_ns == TIME


def test_value_of_a_pandas_timestamp_is_a_time(engine):
    assert engine.update("A", 1.0, timestamp_ns=pd.Timestamp(TIME, unit="ns").value)
    assert engine.get("A").timestamp_ns == TIME


def test_present_time_of_the_standard_library_is_a_time(engine):
    assert engine.update("A", 1.0, timestamp_ns=time.time_ns())


@pytest.mark.parametrize("value", NO_SYMBOLS, ids=show)
def test_what_is_no_str_is_no_symbol(engine, value):
    for call in (
        lambda: engine.update(value, 1.0),
        lambda: engine.update_quote(value, 1.0, 2.0),
        lambda: engine.price(value),
        lambda: engine.mid(value),
        lambda: engine.age_s(value),
        lambda: engine.get(value),
        lambda: engine.quote(value),
        lambda: engine[value],
        lambda: engine.symbol_id(value),
    ):
        with pytest.raises(TypeError, match=re.escape(f"must be a str, not {type(value).__name__} {value!r}")):
            call()
    assert value not in engine
    assert_untouched(engine)


@pytest.mark.parametrize("on_bad", ["raise", "count"])
def test_type_errors_raise_and_are_not_counted_whatever_on_bad_says(make_engine, on_bad, caplog):
    engine = make_engine(on_bad=on_bad)
    for arguments in (("A", "1.0"), ("A", None), (None, 1.0), ("A", 1.0, 0.0, 1.5)):
        with pytest.raises(TypeError):
            engine.update(*arguments)
    assert_untouched(engine)
    assert caplog.messages == []


class Ticker(str):
    """A str with ideas of its own."""

    __slots__ = ()

    def __str__(self):
        return "something else"

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return False


@pytest.mark.parametrize("kind", [np.str_, Ticker])
def test_subclass_of_str_is_the_symbol_of_its_characters(engine, kind):
    engine.update(kind("BTCUSDT"), 1.0)
    engine.update_many([kind("BTCUSDT"), "ETHUSDT"], [2.0, 3.0])
    assert engine.symbols() == ["BTCUSDT", "ETHUSDT"]
    assert [type(symbol) for symbol in engine.symbols()] == [str, str]
    assert engine.price("BTCUSDT") == engine.price(kind("BTCUSDT")) == 2.0
    assert kind("ETHUSDT") in engine


def test_number_whose_float_raises_keeps_its_error(engine):
    class Broken:
        def __float__(self):
            raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError, match="broken"):
        engine.update("A", Broken())
    assert_untouched(engine)


def test_number_that_closes_the_engine_on_the_way_crashes_nothing(engine):
    class Closing:
        def __float__(self):
            engine.close()
            return 1.0

    with pytest.raises(EngineClosedError):
        engine.update("A", Closing())
    assert engine.closed


@pytest.mark.parametrize("arguments", [(), ("A",), ("A", 1.0, 0.0, 0, 0.0, 0)])
def test_wrong_number_of_arguments_is_a_type_error(engine, arguments):
    with pytest.raises(TypeError):
        engine.update(*arguments)
    assert_untouched(engine)
