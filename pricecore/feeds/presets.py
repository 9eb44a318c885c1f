"""Mappings of CSV files that are often met and do not say themselves what they hold.

Times count from midnight and need a date to be times of the calendar: `pricecore run --date`.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_TIME = rb"\d{1,8}(?:\.\d+)?"  # ms since midnight
_NUMBER = rb"\d+(?:\.\d+)?"
_END = rb",[01]\s*"  # a row marked as suspicious

_EQUITY_TRADE = re.compile(_TIME + rb",\d{3,},\d+,[A-Z]?,[0-9A-Fa-f]*" + _END)
_EQUITY_QUOTE = re.compile(_TIME + rb",\d+,\d+,\d+,\d+,[A-Z]?,[0-9A-Fa-f]*" + _END)
_FUTURES = re.compile(_TIME + b",-?" + _NUMBER + b"," + _NUMBER + rb",[a-z]+,[^,]*" + _END)
_FX = re.compile(_TIME + b",(" + _NUMBER + b"),(" + _NUMBER + rb")\s*")
_FX_WIDEST = 1.1  # ask to bid, or bid to ask: three numbers are not yet a quote


class Preset(NamedTuple):
    """One mapping; see `formats.csv_format`."""

    name: str
    mapped: Mapping[str, str]
    columns: tuple[str, ...] = ()
    recognises: Callable[[bytes], bool] | None = None
    zone: str = ""
    partial: bool = False


def _is_fx(line: bytes) -> bool:
    match = _FX.fullmatch(line)
    if match is None:
        return False
    bid, ask = float(match[1]), float(match[2])
    return 0.0 < bid < ask * _FX_WIDEST and ask < bid * _FX_WIDEST


_QUESTDB = {"symbol": "id", "price": "price", "time": "timestamp", "change": "changePercent:percent"}

PRESETS = (
    Preset(
        "equity-trade",
        {"time": "time:ms-of-day", "price": "price:/10000", "volume": "size"},
        ("time", "price", "size", "venue", "condition", "suspicious"),
        lambda line: _EQUITY_TRADE.fullmatch(line) is not None,
        zone="America/New_York",
    ),
    Preset(
        "equity-quote",
        {
            "time": "time:ms-of-day",
            "bid": "bid:/10000",
            "bid_size": "bid_size",
            "ask": "ask:/10000",
            "ask_size": "ask_size",
        },
        ("time", "bid", "bid_size", "ask", "ask_size", "venue", "condition", "suspicious"),
        lambda line: _EQUITY_QUOTE.fullmatch(line) is not None,
        zone="America/New_York",
        partial=True,  # a row tells of one side: the other stays as it was
    ),
    Preset("fx", {"time": "time:ms-of-day", "bid": "bid", "ask": "ask"}, ("time", "bid", "ask"), _is_fx),
    Preset(
        "futures",
        {"time": "time:ms-of-day", "price": "price", "volume": "size"},
        ("time", "price", "size", "venue", "condition", "suspicious"),
        lambda line: _FUTURES.fullmatch(line) is not None,
    ),
    Preset("questdb", _QUESTDB),  # its dayVolume is that of the day, not of the trade
)
"""All of them, the more particular ones first: the first that recognises a line is taken."""
