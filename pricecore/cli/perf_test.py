"""`pricecore perf-test`: the performance test on an engine of its own."""

import argparse
import json
import math
import signal
import sys
import threading
from typing import TextIO

from pricecore.cli.arguments import whole_number
from pricecore.cli.output import printed
from pricecore.engine.price_engine import PriceEngine
from pricecore.perftest import Beside, measure_beside, run_performance_test

_EPILOG = """\
Without --rate the updates follow each other as fast as possible and service latency is reported: entry of the call to
the update being visible and published. With --rate they follow a schedule, and the delay from it is reported beside:
completion minus intended start of every update, so a stall is charged to all that it holds up.

After a PASS one update is timed beside `d[s] = (p, v, t, c)`, which only stores, and beside the same work in Python.

PASS needs p95 of service latency below 1 ms, every update applied, no error, and memory that does not grow.

Exit codes: 0 PASS; 1 FAIL; 2 wrong use; 130 stopped by Ctrl-C or SIGTERM.
"""
_PROGRESS_AFTER_S = 1.0
_INTERVAL_S = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--updates", type=whole_number, default=10_000, metavar="N", help="how many in all (default 10,000)"
    )
    parser.add_argument("--rate", type=_rate, metavar="PER_S", help="updates a second over all threads, on a schedule")
    parser.add_argument("--threads", type=whole_number, default=1, metavar="N", help="writer threads (default 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Run the test and report; return the exit code."""
    if args.threads > args.updates:
        print(f"pricecore perf-test: error: {args.threads} threads for {args.updates} updates", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM stops as Ctrl-C does
    with PriceEngine() as engine, _Progress(engine, args.updates, sys.stderr):
        report = run_performance_test(engine, args.updates, args.rate, args.threads)
    beside = _beside() if report.passed else None  # a FAIL has other troubles
    if args.json:
        text = json.dumps(report.as_dict() | {"beside": beside and beside.as_dict()}, allow_nan=False)
    else:
        text = f"{report}\n{beside}" if beside else str(report)
    return 0 if printed("perf-test", text) and report.passed else 1


def _beside() -> Beside:
    with PriceEngine() as engine:
        return measure_beside(engine)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of updates a second above 0")
    return rate


class _Progress:
    """One line that tells how far a run longer than a second is; nothing where there is no terminal.

    The count is read from the engine: the threads that work know nothing of it.
    """

    def __init__(self, engine: PriceEngine, updates: int, stream: TextIO) -> None:
        self._engine = engine
        self._updates = updates
        self._stream = stream
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._show, name="pricecore-progress", daemon=True)

    def __enter__(self) -> "_Progress":
        if self._stream.isatty():
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _show(self) -> None:
        if self._done.wait(_PROGRESS_AFTER_S):
            return
        while not self._done.wait(_INTERVAL_S):
            done = self._engine.metrics().messages_processed
            self._write(f"{done / self._updates:5.0%}  {done:,} of {self._updates:,} updates")
        self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()
