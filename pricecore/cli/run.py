"""`pricecore run`: recorded or live market data through the engine, then a report."""

import argparse
from contextlib import ExitStack

from pricecore.cli import run_report
from pricecore.cli.output import complain, printed
from pricecore.cli.run_log import OtherSourcesError, RunLog
from pricecore.cli.run_options import add_arguments, inputs_of
from pricecore.cli.run_sources import Sources, ingest
from pricecore.cli.run_warnings import refuse_mixed_clocks, warn_of_end
from pricecore.cli.stop import Stop
from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import FormatError, LogReadOnlyError
from pricecore.eventlog.options import LogOptions

__all__ = ["add_arguments", "main"]

_FRAMES = 4_096
"""Lines on their way from the reader to the engine: some milliseconds of work, longer than the two wait for each
other's turn in the interpreter."""


def main(args: argparse.Namespace) -> int:
    """Run the files and report; return the exit code."""
    try:
        inputs = inputs_of(args)
    except ValueError as error:
        return _wrong_use(str(error))
    try:
        engine = PriceEngine(on_bad="count", pool_buffers=_FRAMES, log=_log_options(args))
    except (ValueError, LogReadOnlyError) as error:  # LogCorruptError is a ValueError
        return _wrong_use(error)
    with engine, Stop() as stop, ExitStack() as files:
        sources = Sources(engine, args.format, files)
        try:
            sources.open_all(inputs, stop)
            if args.speed != float("inf"):
                refuse_mixed_clocks(sources.opened)
            log = RunLog(engine, sources.opened)
        except OtherSourcesError as error:
            return _wrong_use(str(error))
        except OSError as error:
            return _wrong_use(f"cannot read {error.filename}: {error.strerror}")
        except FormatError as error:
            return _wrong_use(str(error))
        wall_s = ingest(sources.opened, engine, args.limit, args.speed, stop, log)
        for source in sources.opened:
            warn_of_end(source, asked_for=bool(args.format or args.map))
        summary = run_report.summarise(engine, sources.opened, wall_s, stop.requested, args.speed)
    if not printed("run", run_report.as_json(summary) if args.json else run_report.as_text(summary)):
        return 1
    return _exit_code(summary)


def _log_options(args: argparse.Namespace) -> LogOptions | None:
    return None if args.log is None else LogOptions(args.log, durability=args.durability)


def _exit_code(summary: dict) -> int:
    if summary["interrupted"]:
        return 130
    damaged = any(file["damage"] for file in summary["files"])
    log_failed = summary["log"] is not None and summary["log"]["error"] is not None
    return 1 if damaged or log_failed or not summary["passed"] else 0


def _wrong_use(text: object) -> int:
    complain("run", text)
    return 2
