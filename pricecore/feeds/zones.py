"""The offsets of a time zone as a table that compiled code can search: wall clock in, UTC out."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pricecore.errors import FormatError

Offsets = tuple[tuple[int, int], ...]
"""(wall clock time in seconds since 1970 from which on, seconds ahead of UTC), ascending."""

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = 7  # no zone has ever changed its offset twice within a week and been back


@lru_cache(maxsize=8)
def offsets_of(name: str) -> Offsets:
    """Return when the wall clock of a zone is how far ahead of UTC, 1970 to 2100.

    An hour that the clock passes twice is taken as its first pass; one that it skips, as the time before the change
    would have gone on (`fold=0` of Python's datetime).

    Raises
    ------
    FormatError
        No such zone is known on this machine.

    Threads: any.
    Cost: some milliseconds at the first use of a zone.
    """
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FormatError(
            f"unknown time zone {name!r}: give one as in America/New_York "
            "(where the machine knows none: pip install tzdata)"
        ) from None
    start = int(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(_LAST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    step = _DAYS * 86_400
    table = [(-(1 << 62), _offset_s(zone, start))]
    for earlier in range(start, end, step):
        before, after = _offset_s(zone, earlier), _offset_s(zone, earlier + step)
        if before != after:
            table.append((_change_s(zone, earlier, earlier + step) + max(before, after), after))
    return tuple(table)


def epoch_days(day: date) -> int:
    """Return the days from 1970-01-01 to `day`."""
    return (day - date(1970, 1, 1)).days


def _change_s(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the first second at which the offset is that of `high`."""
    before = _offset_s(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_s(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset_s(zone: ZoneInfo, time_s: int) -> int:
    offset = (_EPOCH + timedelta(seconds=time_s)).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
