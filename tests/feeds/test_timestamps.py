"""Times as text, against datetime and exact arithmetic."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore.errors import MalformedError
from pricecore.feeds.timestamps import TimeReader, parse_time_ns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON_NS = 1_693_915_200 * 10**9  # 2023-09-05 12:00 UTC


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2023-09-05T12:00:00Z", NOON_NS),
        ("2023-09-05 12:00:00", NOON_NS),
        ("2023-09-05t12:00:00z", NOON_NS),
        ("2023-09-05T12:00", NOON_NS),
        ("20230905T120000Z", NOON_NS),
        ("2023-09-05T14:00:00+02:00", NOON_NS),
        ("2023-09-05T07:00:00-0500", NOON_NS),
        (" 2023-09-05T12:00:00 +00:00 ", NOON_NS),
        ("2023-09-05", NOON_NS - 12 * 3600 * 10**9),
        ("2023-09-05T12:00:00.123456789Z", NOON_NS + 123_456_789),
        ("2023-09-05T12:00:00.5", NOON_NS + 500_000_000),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("1693915200", NOON_NS),
        ("1693915200.000000001", NOON_NS + 1),
        ("1693915200000", NOON_NS),
        ("1693915200000.5", NOON_NS + 500_000),
        ("1693915200000000", NOON_NS),
        ("1693915200000000001", NOON_NS + 1),
        ("1.6939152e9", NOON_NS),
        ("", 0),
        ("0", 0),
        ("-1693915200", -NOON_NS),
    ],
)
def test_times_that_are_read(text, time_ns):
    assert parse_time_ns(text) == time_ns


@pytest.mark.parametrize(
    "text",
    ["noon", "2023-13-01", "2023-09-05T25:00", "2023-09-05T12:00:00.1234567891", "34200135", "nan", "1e999", "1_6"],
)
def test_times_that_are_refused(text):
    with pytest.raises(MalformedError):
        parse_time_ns(text)


def test_a_time_of_the_day_is_named_as_what_it_is():
    with pytest.raises(MalformedError, match="time of the day"):
        parse_time_ns("34200135")


@given(
    st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(0, 9),
    st.integers(-14 * 60, 14 * 60),
)
def test_iso_times_agree_with_datetime(naive, digits, offset_minutes):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    whole = moment.replace(microsecond=0)
    fraction = f"{moment.microsecond * 1000:09}"[:digits]
    zone = f"{'-' if offset_minutes < 0 else '+'}{abs(offset_minutes) // 60:02}:{abs(offset_minutes) % 60:02}"
    text = f"{whole:%Y-%m-%dT%H:%M:%S}{'.' if digits else ''}{fraction}{zone}"
    expected = (whole - EPOCH) // timedelta(seconds=1) * 10**9 + int(fraction.ljust(9, "0"))
    assert parse_time_ns(text) == expected


@given(st.integers(10**17 + 1, 4 * 10**18))
def test_nanoseconds_and_their_seconds_with_nine_digits_agree(time_ns):
    assert parse_time_ns(str(time_ns)) == time_ns
    assert parse_time_ns(f"{time_ns // 10**9}.{time_ns % 10**9:09}") == time_ns


@pytest.mark.parametrize("day", ["2262-04-12", "2500-01-01", "2598-04-22", "1600-01-01"])
def test_a_time_of_a_day_that_does_not_fit_is_refused(day):
    reader = TimeReader("ms-of-day", (datetime.fromisoformat(day) - datetime(1970, 1, 1)).days)
    with pytest.raises(MalformedError, match="does not fit nanoseconds of 64 bits"):
        reader.time_ns("1000")


def test_the_last_day_that_fits_ends_with_its_last_whole_second():
    days = (datetime(2262, 4, 11) - datetime(1970, 1, 1)).days
    reader = TimeReader("s-of-day", days)
    assert reader.time_ns("85634") == (days * 86_400 + 85_634) * 10**9
    with pytest.raises(MalformedError, match="does not fit"):
        reader.time_ns("85635")
    assert TimeReader("s-of-day", days, [(-(1 << 62), 3_600)]).time_ns("85635") == (days * 86_400 + 82_035) * 10**9
