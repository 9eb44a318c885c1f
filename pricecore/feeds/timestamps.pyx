"""Times as text to nanoseconds since the Unix epoch, exactly: no float in between.

The days of a date are counted as Howard Hinnant describes it ("chrono-Compatible Low-Level Date Algorithms").
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MAX, int64_t, uint64_t

from pricecore.feeds.sink import MalformedError

UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
"""Units of a number, as powers of ten of a nanosecond."""

OF_DAY = "-of-day"
"""Behind a unit: the number counts from midnight."""

cdef enum:
    NS_POWER = 9
    MAX_DIGITS = 19                 # fit 64 bits, whatever they are
    MAX_EXPONENT = 99
    DAY_S = 86400
    # A number is seconds, milliseconds, microseconds or nanoseconds by its size: the limits are those of the years
    # 1973 to 5138 in each unit. Below, it is no epoch time but rather one of the day.
    TOO_SMALL_DIGITS = 8
    SECOND_DIGITS = 11
    MILLISECOND_DIGITS = 14
    MICROSECOND_DIGITS = 17

cdef int64_t MAX_SECONDS = 9223372035       # as ns they fit 64 bits, with a second to spare
cdef dict OUTCOMES = {
    TIME_UNREADABLE: "is neither a number nor ISO 8601",
    TIME_TOO_SMALL: "is too small for seconds since 1970; is it a time of the day?",
    TIME_NO_CALENDAR_DAY: "is no date of the calendar or no time of a day",
    TIME_OVERFLOW: "does not fit nanoseconds of 64 bits",
    TIME_BEYOND_DAY: "is no time of a day: it is not within 24 hours",
}


@cython.final
cdef class TimeReader:
    """Reads the times of one source.

    Parameters
    ----------
    unit : str
        Of numbers: "s", "ms", "us" or "ns", with "-of-day" behind it when they count from midnight; empty: since the
        epoch, in the unit that their size tells.
    day : int, optional
        Days from 1970-01-01 to that whose midnight is meant; without it times of the day count from 0.
    offsets : sequence, optional
        Of the zone of times that name none, as `zones.offsets_of` returns it; by default UTC.

    Threads: any.
    Cost: 20 to 60 ns a time; allocates nothing.
    """

    def __init__(self, unit="", day=None, offsets=()):
        self.of_day = unit.endswith(OF_DAY)
        name = unit.removesuffix(OF_DAY)
        if name not in UNITS and unit:
            known = ", ".join([*UNITS, *(unit + OF_DAY for unit in UNITS)])
            raise ValueError(f"unknown unit of time {unit!r}; known are {known}")
        self.unit_power = UNITS[name] if unit else UNIT_BY_SIZE
        self.dated = day is not None
        self.midnight_s = DAY_S * (day or 0)
        if len(offsets) > MAX_OFFSETS:
            raise ValueError(f"a zone with {len(offsets)} changes of its offset")
        if self.of_day and not self.dated:
            offsets = ()
        self.offsets = len(offsets)
        for i, (from_wall_s, ahead_s) in enumerate(offsets):
            self.table[i] = Offset(from_wall_s, ahead_s)

    def time_ns(self, text):
        """Return the time in a text in ns, 0 for a blank one; raise `MalformedError` when it is none."""
        cdef bytes data = text.encode() if isinstance(text, str) else text
        cdef int outcome = TIME_OK
        cdef int64_t time_ns = self.read(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), &outcome)
        if outcome != TIME_OK:
            raise time_error(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), outcome)
        return time_ns

    cdef int64_t read(self, const char* text, Py_ssize_t size, int* outcome) noexcept nogil:
        """Return the time in ns; 0 for blanks, and when `outcome` is not TIME_OK."""
        outcome[0] = TIME_OK
        while size > 0 and text[0] == c" ":
            text += 1
            size -= 1
        while size > 0 and text[size - 1] == c" ":
            size -= 1
        if size == 0:
            return 0
        if size > 8 and (text[4] == c"-" or text[8] == c"T" or text[8] == c"t"):
            return self.iso(text, size, outcome)
        return self.number(text, size, outcome)

    cdef int64_t number(self, const char* text, Py_ssize_t size, int* outcome) noexcept nogil:
        cdef Decimal value
        cdef int power = self.unit_power
        cdef int64_t time_ns
        if not read_decimal(text, size, &value):
            outcome[0] = TIME_UNREADABLE
            return 0
        if value.mantissa == 0 and not self.of_day:
            return 0
        if power == UNIT_BY_SIZE:
            if value.whole_digits <= TOO_SMALL_DIGITS and not value.negative:
                outcome[0] = TIME_TOO_SMALL
                return 0
            power = power_by_size(value.whole_digits)
        time_ns = scaled(value.mantissa, value.exponent + power, outcome)
        if not self.of_day:
            return -time_ns if value.negative else time_ns
        if outcome[0] != TIME_OK or value.negative or time_ns >= DAY_S * <int64_t> 1000000000:
            outcome[0] = TIME_BEYOND_DAY
            return 0
        return self.utc_s(self.midnight_s + time_ns // 1000000000) * 1000000000 + time_ns % 1000000000

    cdef int64_t iso(self, const char* text, Py_ssize_t size, int* outcome) noexcept nogil:
        cdef Scan scan = Scan(text, text + size, True)
        cdef int64_t wall_s, fraction_ns, ahead_s
        cdef bint named
        outcome[0] = TIME_UNREADABLE
        if not scan_wall(&scan, &wall_s) or not scan_fraction(&scan, &fraction_ns):
            return 0
        if not scan_zone(&scan, &ahead_s, &named) or scan.at != scan.end:
            return 0
        if not scan.calendar:
            outcome[0] = TIME_NO_CALENDAR_DAY
            return 0
        wall_s = wall_s - ahead_s if named else self.utc_s(wall_s)
        if not -MAX_SECONDS < wall_s < MAX_SECONDS:
            outcome[0] = TIME_OVERFLOW
            return 0
        outcome[0] = TIME_OK
        return wall_s * 1000000000 + fraction_ns

    cdef int64_t utc_s(self, int64_t wall_s) noexcept nogil:
        cdef int low = 0
        cdef int high = self.offsets
        cdef int middle
        if high == 0:
            return wall_s
        while high - low > 1:
            middle = (low + high) // 2
            if self.table[middle].from_wall_s <= wall_s:
                low = middle
            else:
                high = middle
        return wall_s - self.table[low].ahead_s


cdef struct Decimal:
    uint64_t mantissa
    int exponent                    # value = mantissa * 10 ** exponent
    int whole_digits                # digits before the point, without leading zeros; below 0 for small fractions
    bint negative


cdef struct Scan:
    const char* at
    const char* end
    bint calendar                   # every part is within its range so far


cdef bint read_decimal(const char* text, Py_ssize_t size, Decimal* value) noexcept nogil:
    """Read `[-]digits[.digits][e[sign]digits]`; digits beyond what 64 bits hold count only before the point."""
    cdef const char* end = text + size
    cdef int digits = 0
    cdef bint any_digit = False
    cdef bint point = False
    value[0] = Decimal(0, 0, 0, text[0] == c"-")
    if value.negative:
        text += 1
    while text < end and (is_digit(text[0]) or (text[0] == c"." and not point and any_digit)):
        if text[0] == c".":
            point = True
        else:
            any_digit = True
            if digits < MAX_DIGITS:
                value.mantissa = value.mantissa * 10 + <uint64_t> (text[0] - c"0")
                digits += value.mantissa != 0
                value.exponent -= point
            else:
                value.exponent += not point
        text += 1
    if not any_digit or not read_exponent(&text, end, &value.exponent):
        return False
    value.whole_digits = digits + value.exponent
    return text == end


cdef bint read_exponent(const char** text, const char* end, int* exponent) noexcept nogil:
    cdef bint negative = False
    cdef int number = 0
    if text[0] == end or (text[0][0] != c"e" and text[0][0] != c"E"):
        return True
    text[0] += 1
    if text[0] < end and (text[0][0] == c"-" or text[0][0] == c"+"):
        negative = text[0][0] == c"-"
        text[0] += 1
    if text[0] == end:
        return False
    while text[0] < end and is_digit(text[0][0]) and number <= MAX_EXPONENT:
        number = number * 10 + (text[0][0] - c"0")
        text[0] += 1
    exponent[0] += -number if negative else number
    return number <= MAX_EXPONENT


cdef int power_by_size(int whole_digits) noexcept nogil:
    if whole_digits <= SECOND_DIGITS:
        return 9
    if whole_digits <= MILLISECOND_DIGITS:
        return 6
    return 3 if whole_digits <= MICROSECOND_DIGITS else 0


cdef int64_t scaled(uint64_t mantissa, int power, int* outcome) noexcept nogil:
    """Return mantissa * 10 ** power, cut off below 1."""
    while power < 0 and mantissa:
        mantissa //= 10
        power += 1
    while power > 0 and mantissa:
        if mantissa > <uint64_t> (INT64_MAX // 10):
            outcome[0] = TIME_OVERFLOW
            return 0
        mantissa *= 10
        power -= 1
    if mantissa > <uint64_t> INT64_MAX:
        outcome[0] = TIME_OVERFLOW
        return 0
    return <int64_t> mantissa


cdef bint scan_wall(Scan* scan, int64_t* wall_s) noexcept nogil:
    """Read YYYY-MM-DD or YYYYMMDD, then [T ]hh:mm[:ss] or without the colons."""
    cdef int year, month, day
    cdef int hour = 0
    cdef int minute = 0
    cdef int second = 0
    if not scan_digits(scan, 4, &year):
        return False
    skip(scan, c"-")
    if not scan_digits(scan, 2, &month):
        return False
    skip(scan, c"-")
    if not scan_digits(scan, 2, &day):
        return False
    scan.calendar = 1 <= month <= 12 and 1 <= day <= days_of(year, month) and year >= 1
    if skip(scan, c"T") or skip(scan, c"t") or (scan.end - scan.at > 3 and is_digit(scan.at[1]) and skip(scan, c" ")):
        if not scan_digits(scan, 2, &hour):
            return False
        skip(scan, c":")
        if not scan_digits(scan, 2, &minute):
            return False
        if (skip(scan, c":") or next_is_digit(scan)) and not scan_digits(scan, 2, &second):
            return False
        scan.calendar = scan.calendar and hour < 24 and minute < 60 and second < 60
    wall_s[0] = days_from_civil(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second
    return True


cdef bint scan_fraction(Scan* scan, int64_t* fraction_ns) noexcept nogil:
    cdef int digits = 0
    fraction_ns[0] = 0
    if not (skip(scan, c".") or skip(scan, c",")):
        return True
    while next_is_digit(scan):
        fraction_ns[0] = fraction_ns[0] * 10 + (scan.at[0] - c"0")
        scan.at += 1
        digits += 1
        if digits > NS_POWER:
            return False
    while digits < NS_POWER:
        fraction_ns[0] *= 10
        digits += 1
    return True


cdef bint scan_zone(Scan* scan, int64_t* ahead_s, bint* named) noexcept nogil:
    """Read Z, an offset, or nothing, after a space at most."""
    cdef int hours, sign
    cdef int minutes = 0
    ahead_s[0] = 0
    skip(scan, c" ")
    named[0] = scan.at < scan.end
    if not named[0] or skip(scan, c"Z") or skip(scan, c"z"):
        return True
    sign = 1 if scan.at[0] == c"+" else -1
    if not (skip(scan, c"+") or skip(scan, c"-")) or not scan_digits(scan, 2, &hours):
        return False
    if (skip(scan, c":") or next_is_digit(scan)) and not scan_digits(scan, 2, &minutes):
        return False
    scan.calendar = scan.calendar and hours < 24 and minutes < 60
    ahead_s[0] = sign * (hours * 3600 + minutes * 60)
    return True


cdef bint scan_digits(Scan* scan, int count, int* number) noexcept nogil:
    number[0] = 0
    while count and next_is_digit(scan):
        number[0] = number[0] * 10 + (scan.at[0] - c"0")
        scan.at += 1
        count -= 1
    return count == 0


cdef inline bint skip(Scan* scan, char sign) noexcept nogil:
    if scan.at < scan.end and scan.at[0] == sign:
        scan.at += 1
        return True
    return False


cdef inline bint next_is_digit(Scan* scan) noexcept nogil:
    return scan.at < scan.end and is_digit(scan.at[0])


cdef inline bint is_digit(char sign) noexcept nogil:
    return c"0" <= sign <= c"9"


cdef int days_of(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef int64_t days_from_civil(int64_t year, int month, int day) noexcept nogil:
    """Return the days from 1970-01-01; years begin in March, so that the leap day is the last of its year."""
    cdef int64_t era, of_era, of_year
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


cdef object time_error(const char* text, Py_ssize_t size, int outcome):
    shown = text[:min(size, 40)].decode("utf-8", "backslashreplace")
    return MalformedError(f"time {shown!r} {OUTCOMES[outcome]}")


cdef TimeReader EPOCH_TIMES = TimeReader()


def parse_time_ns(text):
    """Return the time in `text` in ns since the Unix epoch.

    Parameters
    ----------
    text : str
        A number of seconds, milliseconds, microseconds or nanoseconds since the epoch (the unit follows from the
        magnitude; fractions are allowed), or an ISO 8601 time with 0 to 9 digits after the second and `Z`, an offset
        or no zone, which means UTC. Empty or zero: no time.

    Returns
    -------
    int
        Nanoseconds; 0 when there is no time. A negative number stays negative, for the engine to refuse.

    Raises
    ------
    MalformedError
        The text is no such time, or a number below 10^8, which is more likely a time of the day.

    Threads: any.
    Cost: about 0.1 us; allocates.
    """
    return EPOCH_TIMES.time_ns(text)
