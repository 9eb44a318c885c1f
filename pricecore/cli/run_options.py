"""The arguments of `pricecore run`, and what they make of each file."""

import argparse
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pricecore.cli.arguments import whole_number
from pricecore.errors import FormatError
from pricecore.eventlog.log_life import DURABILITIES
from pricecore.feeds.csv_tables import Options
from pricecore.feeds.formats import FORMATS
from pricecore.feeds.mapping import parse_map
from pricecore.feeds.pace import parse_speed
from pricecore.feeds.sample import SAMPLE_FILES
from pricecore.feeds.zones import offsets_of

_LABELLED = re.compile(r"([\w.:-]+)=(.+)", re.DOTALL)

_EPILOG = """\
FILE is plain, gzip or zip (all members), or - for standard input. Files are merged by receive time. Its content tells
the format, never its name:

  <receive ns> <json>            one message a line, as received
  <receive seconds>: <message>   a cryptofeed capture; lines of connections and of messages sent are passed over
  <json>                         one message a line: websocat wss://... | pricecore run - --format binance
  CSV with a header              columns named symbol, price, bid, ask, time, ... ; --map names others
  CSV without a header           equity-trade, equity-quote, fx, futures: give --symbol, and --date for full times

LABEL=FILE puts `LABEL:` before the symbols of that file. --map says what holds what in a table or in JSON messages:

  --map symbol=s,price=p,time=T:ms,change=c:fraction     fields of JSON messages, columns of a table with a header
  --map symbol=data.s,price=data.p                       a field inside another
  --map time=1:ms-of-day,price=2:/10000 --symbol AIG     columns by number, from 1, of a table without a header

for symbol, price, volume, bid, ask, bid_size, ask_size, change and time. Behind the colon stands the unit: s, ms, us,
ns of a time, with -of-day when it counts from midnight; percent or fraction of a change; /10000 of a scaled number.

Exit codes: 0 good; 1 p95 latency of 1 ms or more, a damaged file, a log that failed, or a report that cannot be
written; 2 wrong use; 130 stopped by Ctrl-C or SIGTERM, which still print the report.
"""


_DAYS = (date(1970, 1, 1), date(2262, 4, 10))
"""What `--date` takes: all times of these days, in any zone, fit nanoseconds of 64 bits."""

_SPEED_HELP = (
    "max (default), realtime, or x10: ten times as fast as received; CSV by its own times; a step between two lines "
    "that would take more than an hour of waiting is left out"
)
_SYMBOL_HELP = (
    "symbol of files that name none: one for all, or one for each file, in order; in a zip with several members the "
    "part of the name that is a member's own follows, as in GC.201312"
)


class Input(NamedTuple):
    """One file as it was asked for."""

    label: str
    path: str | Path
    options: Options = Options()


SAMPLE = tuple(Input(label, path) for label, path in SAMPLE_FILES)
"""The files of `--sample`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("files", nargs="*", metavar="[LABEL=]FILE", help="a capture or CSV file; - is standard input")
    add("--sample", action="store_true", help="run the sample of real ticks that comes with pricecore")
    add("--format", choices=FORMATS, help="format of all files; by default told from their content", metavar="NAME")
    add("--map", type=_map, metavar="ROLE=FIELD,...", help="which column or JSON field holds what; see below")
    add("--symbol", action="append", default=[], metavar="NAME", help=_SYMBOL_HELP)
    add(
        "--date",
        type=_date,
        metavar="YYYY-MM-DD",
        help="day of times that count from midnight; without it such rows have no time of their own",
    )
    add(
        "--tz",
        type=_zone,
        metavar="ZONE",
        help="zone of times without one, as America/New_York (default: that of the format, else UTC)",
    )
    add(
        "--speed",
        type=_speed,
        default=float("inf"),
        metavar="SPEED",
        help=_SPEED_HELP,
    )
    add(
        "--log",
        metavar="DIR",
        help="write an event log into this folder; a run that was interrupted goes on where its log ends",
    )
    add("--durability", choices=DURABILITIES, default="os", help="when a record of the log counts as durable (os)")
    add("--limit", type=whole_number, metavar="N", help="stop after N lines, counted over all files")
    add("--json", action="store_true", help="print one JSON object alone on stdout")


def inputs_of(args: argparse.Namespace) -> Sequence[Input]:
    """Return the files that were asked for.

    Raises
    ------
    ValueError
        The arguments do not go together; the message says which.
    """
    if bool(args.files) == args.sample:
        raise ValueError("give files, or --sample alone")
    if args.sample:
        return SAMPLE
    if args.map and args.format:
        raise ValueError("give --format or --map, not both")
    if len(args.symbol) not in (0, 1, len(args.files)):
        raise ValueError(f"{len(args.symbol)} times --symbol for {len(args.files)} files: give one, or one for each")
    named = [split_label(text) for text in args.files]
    if [path for _, path in named].count("-") > 1:
        raise ValueError("standard input can be read once")
    symbols = args.symbol if len(args.symbol) == len(named) else (args.symbol or [""]) * len(named)
    return [
        Input(label, path, Options(symbol, args.date, args.tz or "", args.map))
        for (label, path), symbol in zip(named, symbols, strict=True)
    ]


def split_label(text: str) -> tuple[str, str]:
    """Return label and path of `[LABEL=]FILE`; a name that holds `=` and exists is a path."""
    match = _LABELLED.fullmatch(text)
    if match is None or Path(text).exists():
        return "", text
    return match[1], match[2]


def _map(text: str) -> dict[str, str]:
    try:
        return parse_map(text)
    except FormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day of the form YYYY-MM-DD") from None
    first, last = _DAYS
    if not first <= day <= last:
        raise argparse.ArgumentTypeError(f"{text!r} is not within {first} to {last}")
    return day


def _zone(text: str) -> str:
    try:
        offsets_of(text)
    except FormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _speed(text: str) -> float:
    try:
        return parse_speed(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
