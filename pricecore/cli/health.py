"""`pricecore health NAME`: one line and an exit code, for container probes."""

import argparse
import json
import time

import numpy as np

from pricecore.engine.engine_view import EngineView, attach
from pricecore.errors import PricecoreError

_EPILOG = """\
Healthy: its writer lives, and at least one symbol has a price or quote no older than --max-age-s.

Exit codes: 0 healthy; 1 not, or there is no such engine; 2 wrong use.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", metavar="NAME", help="name of the engine, as in PriceEngine(NAME)")
    parser.add_argument(
        "--max-age-s",
        type=_age,
        default=5.0,
        metavar="S",
        help="how old the newest price or quote may be, in seconds (default 5)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Print the line; return 0 when the engine is healthy, else 1."""
    try:
        with attach(args.name) as view:
            facts = examine(view, args.max_age_s)
    except (PricecoreError, ValueError) as error:
        facts = {"healthy": False, "reason": _reason(error)}
    verdict = "healthy" if facts["healthy"] else "unhealthy"
    print(json.dumps({"name": args.name, **facts}) if args.json else f"{args.name}: {verdict}: {facts['reason']}")
    return 0 if facts["healthy"] else 1


def examine(view: EngineView, max_age_s: float) -> dict:
    """Return whether a named engine is healthy, and why.

    Threads: any.
    Cost: reads every symbol; the writer does not notice.
    """
    prices = view.snapshot()  # one, and not two looks: symbols come meanwhile, or the segment of another writer
    newest_ns = np.maximum(prices["received_ns"], prices["quote_received_ns"])
    fresh = int(np.count_nonzero((newest_ns > 0) & (time.time_ns() - newest_ns <= max_age_s * 1e9)))
    symbols = len(prices)
    facts = {"alive": view.alive, "symbols": symbols, "fresh_symbols": fresh}
    if not facts["alive"]:
        reason = f"its writer, process {view.segment.writer_pid}, is gone"
    elif not fresh:
        reason = f"no price or quote within {max_age_s:g} s, of {symbols:,} symbols"
    else:
        reason = f"{fresh:,} of {symbols:,} symbols had a price or quote within {max_age_s:g} s"
    return {"healthy": facts["alive"] and fresh > 0, "reason": reason, **facts}


def _reason(error: Exception) -> str:
    """Return what an error says; the name of the engine stands before it, so a file is not named again."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _age(text: str) -> float:
    try:
        age_s = float(text)
    except ValueError:
        age_s = 0.0
    if not age_s > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return age_s
