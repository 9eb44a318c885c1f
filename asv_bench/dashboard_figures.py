"""What the dashboard costs the machine that serves it: start, CPU, memory.

    python asv_bench/dashboard_figures.py [--only NAME,...] [--quick] [--json]

The visitor is a program of our own that takes what a browser gets, over the same websocket. Ends with 1 when a figure
is over its limit. All of it takes ten minutes, most of them for a day of refreshes in quick succession; --quick a
minute, with fewer of these.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial

from across_processes.report import Row
from benchmarks.sharing_loops import passing_folder
from judged import Figures, make_parser, show
from visiting import costs


def short_or_long(rows: Callable[[bool], Iterator[Row]], args: argparse.Namespace) -> Iterator[Row]:
    return rows(args.quick)


FIGURES: Figures = {
    "start": partial(short_or_long, costs.start),
    "cpu": partial(short_or_long, costs.cpu),
    "visits": partial(short_or_long, costs.visits),
    "refreshes": partial(short_or_long, costs.refreshes),
}


def main() -> int:
    with passing_folder():
        return show(FIGURES, make_parser(__doc__, FIGURES).parse_args())


if __name__ == "__main__":
    sys.exit(main())
