"""`pricecore replay`: an event log through an engine, then a report."""

import argparse
import re
import sys
from datetime import datetime

from pricecore.cli import replay_report
from pricecore.cli.output import complain, printed, words_of
from pricecore.cli.replay_report import Seen
from pricecore.cli.stop import Stop
from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import LogCorruptError, LogNotFoundError, PricecoreError
from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.pacing import speed_of

_EPILOG = """\
LOG is the folder that an engine writes (PriceEngine(log=...), pricecore run --log). It is only read, also while it is
written. Where FIRST or END is a whole number, it is a sequence; else a time with a zone, as 2026-05-01T09:30:00Z: that
at which the records were received. A replay from a later record begins with the prices as they were there.

With --name other processes watch the engine meanwhile: pricecore.attach(NAME), pricecore health NAME. An engine of that
name with prices of its own goes on, and the records come behind them.

Exit codes: 0 good; 1 the log is damaged, or the report cannot be written; 2 wrong use; 130 stopped by Ctrl-C or
SIGTERM, which still print the report.
"""
_SPEED_HELP = (
    "max (default), realtime, or x10: ten times as fast as received; a step between two records that would take more "
    "than an hour of waiting is left out"
)
_SPEED = re.compile(r"x?(\d+(?:\.\d+)?)", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("log", metavar="LOG", help="the folder of the log")
    add("--speed", type=_speed, default=float("inf"), metavar="SPEED", help=_SPEED_HELP)
    add("--start", type=_bound, metavar="FIRST", help="the first record wanted: a sequence, or a time with a zone")
    add("--stop", type=_bound, metavar="END", help="the first record not wanted, given the same way")
    add("--name", metavar="NAME", help="name of the engine, for other processes to read it")
    add("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Replay the log and report; return the exit code."""
    try:
        log = EventLog.open(args.log)
    except LogCorruptError as error:
        return _failed(str(error), 1)
    except (OSError, LogNotFoundError) as error:
        return _failed(f"cannot read {error.filename}: {error.strerror}", 2)
    with log:
        try:
            engine = PriceEngine(args.name, max_symbols=max(65_536, len(log.symbols())))
        except (ValueError, PricecoreError) as error:
            return _failed(error, 2)
        with engine:
            return _play(log, engine, args)


def _play(log: EventLog, engine: PriceEngine, args: argparse.Namespace) -> int:
    """Play the log into the engine and report; return the exit code."""
    seen, damage = Seen(log, sys.stderr), ""
    with Stop() as stop:
        try:
            with seen, stop.waiting_for_input():
                log.replay(into=engine, speed=args.speed, start=args.start, stop=args.stop, on_block=seen.count)
        except KeyboardInterrupt:
            pass
        except (LogCorruptError, OSError) as error:  # a file that cannot be read any more is as good as damaged
            damage = words_of(error)
        summary = replay_report.summarise(log, engine, seen, args.speed, stop.requested, damage)
        if damage:
            _failed(damage, 1)
        text = replay_report.as_json(summary) if args.json else replay_report.as_text(summary)
        if not printed("replay", text):
            return 1
    return 130 if stop.requested else 1 if damage else 0


def _failed(text: object, code: int) -> int:
    complain("replay", text)
    return code


def _speed(text: str) -> float:
    """Read `max`, `realtime` or `x10`."""
    found = _SPEED.fullmatch(text)
    try:
        return speed_of(float(found[1]) if found else text)
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(f"{text!r} is none of max, realtime, x10") from None


def _bound(text: str) -> int | datetime:
    """Read a sequence, or a time with its zone."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no sequence, and no time with a zone as 2026-05-01T09:30:00Z")
    return moment
