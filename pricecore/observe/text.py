"""Level 6: figures as people read them, with their units; one way for page, terminal view and exporters' messages.

Every function takes None, for a figure that is not there, and returns "-".
"""

import re
from datetime import datetime
from decimal import Decimal

_AGES = ((120.0, 1.0, "s"), (7_200.0, 60.0, "min"), (172_800.0, 3_600.0, "h"))
_DAY_S = 86_400.0
_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_MICRO = re.compile(r"(?<=\d) us\b")


def format_us(value_us: float | None) -> str:
    """Return a duration given in microseconds: "0.056 us", "12.3 us", "1.23 ms", "2.50 s"."""
    if value_us is None:
        return "-"
    if value_us < 1e3:
        return f"{_digits(value_us)} us"
    return f"{_digits(value_us / 1e3)} ms" if value_us < 1e6 else f"{_digits(value_us / 1e6)} s"


def format_rate(per_s: float | None) -> str:
    """Return a rate: "0.5 /s", "950 /s", "101,204 /s", "12.3 M/s"."""
    if per_s is None:
        return "-"
    if per_s >= 1e7:
        return f"{per_s / 1e6:,.1f} M/s"
    return f"{per_s:,.0f} /s" if per_s >= 10 or per_s == int(per_s) else f"{per_s:.1f} /s"


def format_count(count: int | None) -> str:
    """Return a whole number: "1,234,567"."""
    return "-" if count is None else f"{count:,}"


def format_bytes(size_bytes: float | None) -> str:
    """Return a size in powers of 1,024: "512 B", "29.6 MiB"."""
    if size_bytes is None:
        return "-"
    size, units = float(size_bytes), iter(("B", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    for larger in units:
        if size < 1_024:
            break
        size, unit = size / 1_024, larger
    return f"{size:,.0f} B" if unit == "B" else f"{size:,.1f} {unit}"


def format_age(age_s: float | None) -> str:
    """Return how long ago something was: "0.3 s", "45 s", "12 min", "5 h", "3 d"."""
    if age_s is None:
        return "-"
    if age_s < 10:
        return f"{age_s:.1f} s"
    for below_s, unit_s, unit in _AGES:
        if age_s < below_s:
            return f"{age_s / unit_s:,.0f} {unit}"
    return f"{age_s / _DAY_S:,.0f} d"


def format_duration(duration_s: float | None) -> str:
    """Return how long something lasts, in its two largest units: "42 s", "12 min 5 s", "3 h 20 min", "2 d 4 h"."""
    if duration_s is None:
        return "-"
    left = int(duration_s)
    parts: list[str] = []
    for unit, unit_s in _UNITS_S:
        count, left = divmod(left, unit_s)
        if count or (parts and len(parts) < 2) or unit == "s":
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def format_limit(limit_us: float) -> str:
    """Return a limit given in microseconds, in as few digits as it has: "1 ms", "0.5 us"."""
    return f"{limit_us / 1e3:g} ms" if limit_us >= 1e3 else f"{limit_us:g} us"


def format_clock(time_ns: int) -> str:
    """Return the time of day on this machine: "18:04:59"."""
    return f"{datetime.fromtimestamp(time_ns / 1e9):%H:%M:%S}"


def format_change(percent: float | None) -> str:
    """Return a change in percent: "+1.25 %"."""
    return "-" if percent is None else f"{percent:+,.2f} %"


def format_volume(value: float | None, columns: int = 40) -> str:
    """Return a volume in its shortest form, without an exponent unless it is tiny or does not fit; 0 is "not given"."""
    if not value:
        return "-"
    text = f"{Decimal(repr(value)).normalize():,f}"
    return text if value >= 1e-8 and len(text) <= columns else f"{value:.3g}"


def micro_sign(text: str) -> str:
    """Return the text with the Greek letter in "12.3 us", where it can be counted on to be there: in browsers."""
    return _MICRO.sub(" µs", text)


def format_percent(fraction: float | None) -> str:
    """Return a fraction of 0 to 1 as percent: "0 %", "0.0012 %", "12.3 %"."""
    if fraction is None:
        return "-"
    return f"{_digits(100 * fraction)} %" if fraction else "0 %"


def price_texts(*values: float | None, columns: int = 20) -> list[str]:
    """Return the prices of one symbol, all with the digits of the one that has most, at least two: "61,830.00".

    A number is never cut: one that does not fit into so many columns, at least 12, comes with five digits.
    """
    decimals = max([2, *(_decimals(value) for value in values if value is not None)])
    return [_price(value, decimals, columns) for value in values]


def _price(value: float | None, decimals: int, columns: int) -> str:
    if value is None:
        return "-"
    text = f"{value:,.{decimals}f}"
    return text if len(text) <= columns else f"{value:.5g}"


def _decimals(value: float) -> int:
    """Return how many digits after the point the shortest form of `value` has."""
    return max(0, -int(Decimal(repr(value)).as_tuple().exponent))


def _digits(value: float) -> str:
    """Return the number with three digits that count, and no exponent."""
    for least, decimals in ((100.0, 0), (10.0, 1), (1.0, 2), (0.01, 3)):
        if value >= least:
            return f"{value:,.{decimals}f}"
    return f"{value:.4f}" if value else "0"
