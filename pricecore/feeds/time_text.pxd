"""Level 6: the parts of a time as text, each read in place, without the GIL.

Source: the days of a date are counted as Howard Hinnant describes it ("chrono-Compatible Low-Level Date Algorithms").
"""

from libc.stdint cimport INT64_MAX, int64_t, uint64_t

cdef enum:
    NS_POWER = 9
    MAX_DIGITS = 19                 # fit 64 bits, whatever they are
    MAX_EXPONENT = 99
    SECONDS_OF_DAY = 86400
    # A number is seconds, milliseconds, microseconds or nanoseconds by its size: the limits are those of the years
    # 1973 to 5138 in each unit.
    SECOND_DIGITS = 11
    MILLISECOND_DIGITS = 14
    MICROSECOND_DIGITS = 17

cdef struct Decimal:
    uint64_t mantissa
    int exponent                    # value = mantissa * 10 ** exponent
    int whole_digits                # digits before the point, without leading zeros; below 0 for small fractions
    bint negative


cdef struct Scan:
    const char* at
    const char* end
    bint calendar                   # every part is within its range so far


cdef inline bint is_digit(char sign) noexcept nogil:
    return c"0" <= sign <= c"9"


cdef inline bint skip(Scan* scan, char sign) noexcept nogil:
    if scan.at < scan.end and scan.at[0] == sign:
        scan.at += 1
        return True
    return False


cdef inline bint next_is_digit(Scan* scan) noexcept nogil:
    return scan.at < scan.end and is_digit(scan.at[0])


cdef inline bint read_exponent(const char** text, const char* end, int* exponent) noexcept nogil:
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


cdef inline bint read_decimal(const char* text, Py_ssize_t size, Decimal* value) noexcept nogil:
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


cdef inline int power_by_size(int whole_digits) noexcept nogil:
    if whole_digits <= SECOND_DIGITS:
        return 9
    if whole_digits <= MILLISECOND_DIGITS:
        return 6
    return 3 if whole_digits <= MICROSECOND_DIGITS else 0


cdef inline bint scaled(uint64_t mantissa, int power, int64_t* number) noexcept nogil:
    """Return mantissa * 10 ** power, cut off below 1; False when it does not fit 64 bits."""
    while power < 0 and mantissa:
        mantissa //= 10
        power += 1
    while power > 0 and mantissa:
        if mantissa > <uint64_t> INT64_MAX // 10:
            return False
        mantissa *= 10
        power -= 1
    number[0] = <int64_t> mantissa
    return mantissa <= <uint64_t> INT64_MAX


cdef inline bint scan_digits(Scan* scan, int count, int* number) noexcept nogil:
    number[0] = 0
    while count and next_is_digit(scan):
        number[0] = number[0] * 10 + (scan.at[0] - c"0")
        scan.at += 1
        count -= 1
    return count == 0


cdef inline int days_of(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef inline int64_t days_from_civil(int64_t year, int month, int day) noexcept nogil:
    """Return the days from 1970-01-01; years begin in March, so that the leap day is the last of its year."""
    cdef int64_t era, of_era, of_year
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


cdef inline bint scan_wall(Scan* scan, int64_t* wall_s) noexcept nogil:
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
    wall_s[0] = days_from_civil(year, month, day) * SECONDS_OF_DAY + hour * 3600 + minute * 60 + second
    return True


cdef inline bint scan_fraction(Scan* scan, int64_t* fraction_ns) noexcept nogil:
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


cdef inline bint scan_zone(Scan* scan, int64_t* ahead_s, bint* named) noexcept nogil:
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
