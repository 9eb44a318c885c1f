"""Level 4: what may be said as `start` and `stop`: a sequence, or a moment."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

Bound = int | datetime | np.datetime64 | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SEQUENCE = 1 << 62


class Moment(NamedTuple):
    """A received time."""

    ns: int


def parse_bound(name: str, bound: Bound) -> int | Moment | None:
    """Return a sequence, a moment, or None when there is no bound.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    bound : int, datetime, numpy.datetime64, pandas.Timestamp or None
        An int is a sequence, at least 0. A time needs a time zone; a `numpy.datetime64`, which has none, is UTC.

    Raises
    ------
    TypeError, ValueError
        It is something else, has no time zone, or does not fit 64 bits of nanoseconds.
    """
    if bound is None:
        return None
    if isinstance(bound, datetime):  # a pandas.Timestamp, too
        return Moment(_from_datetime(name, bound))
    if isinstance(bound, np.datetime64):
        return Moment(_from_datetime64(name, bound))
    if isinstance(bound, int | np.integer) and not isinstance(bound, bool):
        if not 0 <= bound <= _MAX_SEQUENCE:
            raise ValueError(f"{name} is {bound}; a sequence is 0 to 2**62; a time is given as a datetime")
        return int(bound)
    raise TypeError(f"{name} must be a sequence (int) or a time (datetime, numpy.datetime64), not {bound!r}")


def _from_datetime(name: str, bound: datetime) -> int:
    if bound.tzinfo is None:
        raise ValueError(f"{name} is {bound!r}, without a time zone: say which, as in datetime(..., tzinfo=UTC)")
    if bound != bound:  # pandas.NaT
        raise ValueError(f"{name} is {bound!r}, no time")
    ns = (bound - _EPOCH) // timedelta(microseconds=1) * 1_000 + getattr(bound, "nanosecond", 0)
    if not -(1 << 63) <= ns < 1 << 63:
        raise ValueError(f"{name} is {bound!r}; times are of the years 1678 to 2262")
    return ns


def _from_datetime64(name: str, bound: np.datetime64) -> int:
    if np.isnat(bound):
        raise ValueError(f"{name} is {bound!r}, no time")
    seconds = int(bound.astype("datetime64[s]").astype(np.int64))
    if not -(1 << 63) <= seconds * 10**9 < (1 << 63) - 10**9:
        raise ValueError(f"{name} is {bound!r}; times are of the years 1678 to 2262")
    return int(bound.astype("datetime64[ns]").astype(np.int64))
