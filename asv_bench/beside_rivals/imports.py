"""What it takes to import the package, in a fresh interpreter."""

import argparse
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator

from across_processes.report import Row

IMPORT_LIMIT = 1.3


def cpu_ms(statement: str) -> float:
    """Return the CPU time of a fresh interpreter that runs this, in ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-P", "-c", statement], check=True)  # not the source folder that we stand in
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def rows(args: argparse.Namespace) -> Iterator[Row]:
    statements = {"bare": "pass", "numpy": "import numpy", "ours": "import pricecore"}
    taken: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(5 if args.quick else 25):
        for name, statement in statements.items():
            taken[name].append(cpu_ms(statement))
    times = {name: statistics.median(figures) for name, figures in taken.items()}
    yield Row(
        "import pricecore",
        "ms",
        times["ours"] - times["bare"],
        "import numpy",
        times["numpy"] - times["bare"],
        IMPORT_LIMIT,
    )
