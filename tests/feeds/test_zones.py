"""Times of a zone, against zoneinfo."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore.errors import FormatError, MalformedError
from pricecore.feeds.timestamps import TimeReader
from pricecore.feeds.zones import epoch_days, offsets_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"]


def exact_ns(naive, zone):
    return (naive.replace(tzinfo=ZoneInfo(zone)) - EPOCH) // timedelta(microseconds=1) * 1000


@given(st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2099, 12, 30)), st.sampled_from(ZONES))
def test_times_without_a_zone_are_those_of_the_zone_given(naive, zone):
    reader = TimeReader("", None, offsets_of(zone))
    first_pass = naive.replace(fold=0)  # the text of a time does not say which one it is
    assert reader.time_ns(naive.isoformat()) == exact_ns(first_pass, zone)


@given(
    st.dates(min_value=date(1975, 1, 1), max_value=date(2099, 12, 30)),
    st.integers(0, 86_399_999),
    st.sampled_from(ZONES),
)
def test_milliseconds_since_midnight_are_the_wall_clock_of_the_zone(day, millisecond, zone):
    reader = TimeReader("ms-of-day", epoch_days(day), offsets_of(zone))
    naive = datetime(day.year, day.month, day.day) + timedelta(milliseconds=millisecond)
    assert reader.time_ns(str(millisecond)) == exact_ns(naive, zone)


@pytest.mark.parametrize("day", [date(2013, 3, 10), date(2013, 11, 3)])
def test_the_days_on_which_the_clock_changes_are_exact_at_every_minute(day):
    reader = TimeReader("ms-of-day", epoch_days(day), offsets_of("America/New_York"))
    for minute in range(24 * 60):
        naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
        assert reader.time_ns(str(minute * 60_000)) == exact_ns(naive, "America/New_York")


def test_a_fraction_of_a_millisecond_is_kept():
    assert TimeReader("ms-of-day", 1).time_ns("46.2042") == 86_400 * 10**9 + 46_204_200


def test_a_time_that_names_its_zone_keeps_it():
    reader = TimeReader("", None, offsets_of("America/New_York"))
    assert reader.time_ns("1970-01-02T00:00Z") == 86_400 * 10**9


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_unit_that_is_given_is_not_guessed(unit):
    factor = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]
    assert TimeReader(unit).time_ns("1234") == 1234 * factor
    assert TimeReader(unit + "-of-day").time_ns("1234") == 1234 * factor


def test_a_time_beyond_64_bits_is_refused():
    with pytest.raises(MalformedError, match="64 bits"):
        TimeReader().time_ns("9" * 25)
    with pytest.raises(MalformedError, match="64 bits"):
        TimeReader().time_ns("2500-01-01")


def test_an_unknown_unit_or_zone_is_named():
    with pytest.raises(ValueError, match="unknown unit of time 'h'; known are s, ms, us, ns, s-of-day"):
        TimeReader("h")
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(FormatError, match="unknown time zone"):
            offsets_of(name)
