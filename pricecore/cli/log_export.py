"""`pricecore log export LOG --to FORMAT`: prices and quotes for other programs."""

import argparse
import json
import sys
from datetime import datetime
from typing import IO

from pricecore.cli.output import complain, printed
from pricecore.cli.percent_line import PercentLine
from pricecore.eventlog.bounds import Bound
from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.export import FORMATS, Exported, export

_TO_HELP = "csv, ndjson, parquet or arrow; the last two need pyarrow: pip install 'pricecore[export]'"
_BOUND_HELP = "a sequence, or a time with its zone as 2024-08-08T23:55:00Z; %s"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this action."""
    add = parser.add_argument
    add("--to", required=True, choices=FORMATS, help=_TO_HELP, metavar="FORMAT")
    add("--out", metavar="FILE", help="the file to write; stdout by default, unless that is a terminal")
    add("--symbols", nargs="+", metavar="SYMBOL", help="names, or patterns as BINANCE:*; all by default")
    add("--kinds", nargs="+", choices=("price", "quote"), metavar="KIND", help="price, quote; both by default")
    add("--start", type=bound, metavar="WHEN", help=_BOUND_HELP % "the first record wanted")
    add("--stop", type=bound, metavar="WHEN", help=_BOUND_HELP % "the first one not wanted")
    add("--json", action="store_true", help="print what was written as one JSON object on stdout; needs --out")


def main(args: argparse.Namespace) -> int:
    """Export; say on stderr what was written; return 0, or 2 for arguments that do not go together."""
    try:
        done = _exported(args)
    except ValueError as error:
        complain("log export", error)
        return 2
    if args.json:
        return 0 if printed("log export", json.dumps({"out": args.out, **done._asdict()})) else 1
    print(f"{args.out or 'stdout'}: {done.rows:,} rows, {done.size_bytes / 2**20:,.1f} MiB", file=sys.stderr)
    return 0


def bound(text: str) -> Bound:
    """Return a sequence, or a time with its zone; argparse shows the error."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a sequence nor a time") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone: {text}Z is UTC")
    return moment


def _exported(args: argparse.Namespace) -> Exported:
    if args.json and args.out is None:
        raise ValueError("--json needs --out: else both go to stdout")
    with EventLog.open(args.log) as log, PercentLine(sys.stderr) as progress:
        first, count = log.first_sequence, log.last_sequence - log.first_sequence + 1
        updates = log.updates(symbols=args.symbols, kinds=args.kinds, start=args.start, stop=args.stop)
        return export(updates, log.symbols(), _target(args.out), args.to, lambda _, last: progress(last - first, count))


def _target(out: str | None) -> str | IO[bytes]:
    if out is not None:
        return out
    if sys.stdout.isatty():
        raise ValueError("give --out FILE, or send stdout to a file or another program")
    return sys.stdout.buffer
