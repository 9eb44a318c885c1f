"""Which field of a table or of a JSON message holds what: the one description that presets, `--map` and users' formats
are made of.

A field is written `NAME` or `NAME:UNIT`. Units are `s`, `ms`, `us`, `ns` for a time, with `-of-day` behind it when it
counts from midnight; `percent` or `fraction` for a change; `/DIVISOR` for a price or a size that is written as that
many times itself.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pricecore.errors import FormatError
from pricecore.feeds.rows import ROLE_NAMES
from pricecore.feeds.timestamps import OF_DAY, UNITS

PERCENT = {"": 1.0, "percent": 1.0, "fraction": 0.01}
"""What a change is divided by to be in percent."""

_TIME_UNITS = ("", *UNITS, *(unit + OF_DAY for unit in UNITS))
_PRICED = ("price", "bid", "ask")


class Field(NamedTuple):
    """Where one thing stands and how it is written."""

    name: str
    divisor: float = 1.0
    """What stands there is the number times this."""
    time_unit: str = ""
    """As `TimeReader` takes it."""


Fields = Mapping[str, Field]
"""By names of `ROLE_NAMES`."""


def fields(texts: Mapping[str, str | None]) -> dict[str, Field]:
    """Read a mapping from roles to fields as text; those that are None are left out.

    Raises
    ------
    FormatError
        There is no such role or unit, or nothing that gives a price.
    """
    read = {role: _field(role, text) for role, text in texts.items() if text is not None}
    if read.keys().isdisjoint(_PRICED):
        raise FormatError(f"no price: map at least one of {', '.join(_PRICED)}")
    return read


def parse_map(text: str) -> dict[str, str]:
    """Read `ROLE=FIELD,ROLE=FIELD` as `--map` takes it.

    Raises
    ------
    FormatError
        A part has another form, or a role comes twice.
    """
    found: dict[str, str] = {}
    for part in text.split(","):
        role, equals, field = (word.strip() for word in part.partition("="))
        if not equals or not field or role in found:
            why = "is mapped twice" if role in found else "is not ROLE=FIELD"
            raise FormatError(f"{part.strip()!r} {why}; write --map symbol=s,price=p,time=T:ms")
        found[role] = field
    fields(found)
    return found


def _field(role: str, text: str) -> Field:
    if role not in ROLE_NAMES:
        raise FormatError(f"{role!r} cannot be mapped; known are {', '.join(ROLE_NAMES)}")
    name, colon, unit = text.rpartition(":")
    if not colon:
        name, unit = text, ""
    if not name:
        raise FormatError(f"{role} is mapped to {text!r}, which names no field")
    if role == "time":
        return Field(name, time_unit=_known(role, unit, _TIME_UNITS))
    if role == "change":
        return Field(name, PERCENT[_known(role, unit, tuple(PERCENT))])
    return Field(name, _divisor(role, unit))


def _known(role: str, unit: str, units: tuple[str, ...]) -> str:
    if unit not in units:
        raise FormatError(f"unknown unit {unit!r} of {role}; known are {', '.join(filter(None, units))}")
    return unit


def _divisor(role: str, unit: str) -> float:
    if not unit:
        return 1.0
    try:
        divisor = float(unit.removeprefix("/"))
    except ValueError:
        divisor = 0.0
    if not unit.startswith("/") or not 0.0 < divisor < float("inf") or role == "symbol":
        raise FormatError(f"unknown unit {unit!r} of {role}; a scale is written /10000")
    return divisor
