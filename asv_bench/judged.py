"""What every table of figures does: measure row by row, show each with its verdict, end with 1 when one is
beyond its limit."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator

from across_processes.report import HEAD, Row, Skipped, as_dicts, line, verdict

Figures = dict[str, Callable[[argparse.Namespace], Iterator[Row]]]


def measure(figures: Figures, names: list[str], args: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of these figures; say on stderr which is being measured, and which cannot be."""
    for name in names:
        print(f"... {name}", file=sys.stderr, flush=True)
        try:
            yield from figures[name](args)
        except Skipped as reason:
            print(f"SKIP {name}: {reason}", file=sys.stderr)


def names_of(text: str, figures: Figures) -> list[str]:
    names = text.split(",")
    unknown = set(names) - figures.keys()
    if unknown:
        raise argparse.ArgumentTypeError(f"no figure {', '.join(sorted(unknown))}; there are {', '.join(figures)}")
    return names


def make_parser(doc: str | None, figures: Figures) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only",
        metavar="NAMES",
        type=lambda text: names_of(text, figures),
        default=list(figures),
        help=", ".join(figures),
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser


def show(figures: Figures, args: argparse.Namespace) -> int:
    """Print the table, or JSON; return the exit code."""
    measured = []
    if not args.json:
        print(HEAD)
    for row in measure(figures, args.only, args):
        measured.append(row)
        if not args.json:
            print(line(row, args.quick), flush=True)
    if args.json:
        print(json.dumps(as_dicts(measured, args.quick)))
    return 1 if any(verdict(row, args.quick) in ("over", "under") for row in measured) else 0
