"""The figures of sharing an engine between processes, each beside its rival in the same run.

    python asv_bench/sharing_figures.py [--only NAME,...] [--quick] [--json]

Prints what was measured, the rival's figure, their ratio and its limit; ends with 1 when one is over. --quick takes
less than a minute and judges only what does not depend on the machine's other work: nothing torn, nothing lost,
instructions, backlog. What is missing here (valgrind, redis-server, a C compiler) leaves its figures out, visibly.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial

from across_processes import age, conflation, reads, redis_get, stream, torn, wake_up, writer_cost
from across_processes.report import Row
from benchmarks.sharing_loops import passing_folder
from judged import Figures, make_parser, show


def short_or_long(rows: Callable[[bool], Iterator[Row]], args: argparse.Namespace) -> Iterator[Row]:
    return rows(args.quick)


FIGURES: Figures = {
    name: partial(short_or_long, module.rows)
    for name, module in {
        "reads": reads,
        "redis": redis_get,
        "torn": torn,
        "writer": writer_cost,
        "stream": stream,
        "wake": wake_up,
        "age": age,
        "conflation": conflation,
    }.items()
}


def main() -> int:
    with passing_folder():
        return show(FIGURES, make_parser(__doc__, FIGURES).parse_args())


if __name__ == "__main__":
    sys.exit(main())
