"""The figures of the event log, each beside its rival in the same run.

    python asv_bench/log_figures.py [--only NAME,...] [--folder DIR] [--quick] [--json]

Prints what was measured, the rival's figure, their ratio and its limit; ends with 1 when one is over. --quick takes
less than a minute, on smaller logs, and judges only what does not depend on the machine's other work. --folder names
where the logs are written: what is synced is that disk. The whole needs 15 GB there and ten minutes.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from across_processes.report import Row
from judged import Figures, make_parser, show
from logging_beside import appending, databases, disk, reading, restarting, seeking, sustained, updating


def in_folder(rows: Callable[[Path, bool], Iterator[Row]], args: argparse.Namespace) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        yield from rows(Path(folder), args.quick)


FIGURES: Figures = {
    name: partial(in_folder, module.rows)
    for name, module in {
        "update": updating,
        "append": appending,
        "disk": disk,
        "read": reading,
        "seek": seeking,
        "restart": restarting,
        "sustained": sustained,
        "databases": databases,
    }.items()
}


def main() -> int:
    parser = make_parser(__doc__, FIGURES)
    parser.add_argument("--folder", metavar="DIR", help="where the logs are written (default: that of temporary files)")
    return show(FIGURES, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
