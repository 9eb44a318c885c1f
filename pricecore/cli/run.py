"""`pricecore run`: recorded market data through the engine, then a report."""

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from itertools import islice
from pathlib import Path

from pricecore.cli import run_report
from pricecore.cli.progress import Progress
from pricecore.cli.stop import Stop
from pricecore.engine.price_engine import PriceEngine
from pricecore.feeds.formats import FORMATS, UNKNOWN
from pricecore.feeds.merge import merge_by_receive_time
from pricecore.feeds.sink import FormatError
from pricecore.feeds.source import Source

Input = tuple[str, str | Path]
"""Label and path of one file."""

_DATA = Path(__file__).parent.parent / "data"
SAMPLE: tuple[Input, ...] = (("spot", _DATA / "binance_spot.gz"), ("usdm", _DATA / "binance_usdm.gz"))
"""The files of `--sample`, with their labels."""

_LABELLED = re.compile(r"([\w.:-]+)=(.+)", re.DOTALL)

_EPILOG = """\
Files are plain or gzip and are merged by receive time. A capture has one message a line, after its receive time as
`<ns> ` or `<seconds>: ` where there is one; a CSV file has a header that names a symbol and a price, bid or ask.
LABEL=FILE puts `LABEL:` before the symbols of that file.

Exit codes: 0 good; 1 p95 latency of 1 ms or more, or a damaged file; 2 wrong use; 130 stopped by Ctrl-C or SIGTERM,
which still print the report.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="*", metavar="[LABEL=]FILE", help="a capture or CSV file")
    parser.add_argument("--format", choices=FORMATS, help="format of all files; by default told from their content")
    parser.add_argument("--sample", action="store_true", help="run the sample of real ticks that comes with pricecore")
    parser.add_argument("--limit", type=_positive, metavar="N", help="stop after N lines, counted over all files")
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Run the files and report; return the exit code."""
    if bool(args.files) == args.sample:
        return _wrong_use("give files, or --sample alone")
    inputs = SAMPLE if args.sample else [split_label(text) for text in args.files]
    with PriceEngine(on_bad="count") as engine, Stop() as stop, ExitStack() as files:
        try:
            sources = open_sources(inputs, engine, args.format, stop, files)
        except OSError as error:
            return _wrong_use(f"cannot read {error.filename}: {error.strerror}")
        except FormatError as error:
            return _wrong_use(str(error))
        wall_s = ingest(sources, args.limit, stop)
        _warn_of_sources(sources)
        summary = run_report.summarise(engine, sources, wall_s, stop.requested)
        print(run_report.as_json(summary) if args.json else run_report.as_text(summary), flush=True)
    return _exit_code(summary)


def split_label(text: str) -> Input:
    """Return label and path of `[LABEL=]FILE`; a name that holds `=` and exists is a path."""
    match = _LABELLED.fullmatch(text)
    if match is None or Path(text).exists():
        return "", text
    return match[1], match[2]


def open_sources(
    inputs: Sequence[Input], engine: PriceEngine, format_name: str | None, stop: Stop, files: ExitStack
) -> list[Source]:
    """Open all files before anything of them is applied; those opened so far when `stop` is requested.

    `files` closes them.

    Raises
    ------
    OSError, FormatError
        A file cannot be read, or is not in its format; the message names it.
    """
    sources: list[Source] = []
    owners: dict[str, int] = {}
    for number, (label, path) in enumerate(inputs):
        on_new = None if label else _owner_check(owners, number, inputs)
        try:
            with stop.waiting_for_input():  # a pipe may be silent
                sources.append(files.enter_context(closing(Source(path, number, engine, label, format_name, on_new))))
        except KeyboardInterrupt:
            break
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        if sources[-1].format is UNKNOWN:
            _warn(f"{path}: no price format recognised; its lines are only counted (known: {', '.join(FORMATS)})")
    return sources


def ingest(sources: Sequence[Source], limit: int | None, stop: Stop) -> float:
    """Take the messages of all sources in order of receive time; return the time it took in seconds.

    Ends early after `limit` lines, or between two lines when `stop` is requested.
    """
    records = islice(merge_by_receive_time([source.records for source in sources]), limit)
    started_s = time.perf_counter()
    with Progress(sources, sys.stderr), suppress(KeyboardInterrupt), stop.waiting_for_input():
        for _, number, message in records:
            stop.waiting = False
            sources[number].take(message)
            stop.waiting = True
            if stop.requested:
                break
    return time.perf_counter() - started_s


def _owner_check(owners: dict[str, int], number: int, inputs: Sequence[Input]) -> Callable[[str], None]:
    """Return a check for each new symbol of an unlabelled file: has another such file brought it already?"""

    def check(symbol: str) -> None:
        owner = owners.setdefault(symbol, number)
        if owner not in (number, -1):
            owners[symbol] = -1  # warned of once is enough
            _warn(f"{symbol} comes from both {inputs[owner][1]} and {inputs[number][1]}; LABEL=FILE keeps them apart")

    return check


def _warn_of_sources(sources: Sequence[Source]) -> None:
    for source in sources:
        if source.capture.damage:
            _warn(f"{source.path}: {source.capture.damage}, after {source.lines:,} lines")
        elif not source.capture.size_bytes:
            _warn(f"{source.path}: the file is empty")
        if source.malformed and source.format is not UNKNOWN:  # of that one was warned when it was opened
            _warn(f"{source.path}: {source.malformed:,} malformed lines, the first is {source.first_malformed}")


def _exit_code(summary: dict) -> int:
    if summary["interrupted"]:
        return 130
    damaged = any(file["damage"] for file in summary["files"])
    return 1 if damaged or not summary["passed"] else 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _warn(text: str) -> None:
    print(f"pricecore run: warning: {text}", file=sys.stderr)


def _wrong_use(text: str) -> int:
    print(f"pricecore run: error: {text}", file=sys.stderr)
    return 2
