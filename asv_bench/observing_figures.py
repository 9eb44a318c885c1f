"""What it costs to watch an engine: state reader, exporter and Prometheus beside it, in one run.

    python asv_bench/observing_figures.py [--only NAME,...] [--quick] [--json]

Prints what was measured, the figure without watchers, their ratio and its limit; ends with 1 when one is over. --quick
takes half a minute and judges only instructions. What is missing here (valgrind) leaves its figures out, visibly;
without Debian's prometheus a program of our own scrapes in its place.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial

from across_processes.report import Row
from benchmarks.sharing_loops import passing_folder
from judged import Figures, make_parser, show
from observing import costs


def short_or_long(rows: Callable[[bool], Iterator[Row]], args: argparse.Namespace) -> Iterator[Row]:
    return rows(args.quick)


FIGURES: Figures = {
    "instructions": partial(short_or_long, costs.instructions),
    "delay": partial(short_or_long, costs.delay),
    "cpu": partial(short_or_long, costs.cpu),
}


def main() -> int:
    with passing_folder():
        return show(FIGURES, make_parser(__doc__, FIGURES).parse_args())


if __name__ == "__main__":
    sys.exit(main())
