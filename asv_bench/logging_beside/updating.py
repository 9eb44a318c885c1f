"""What the log costs an update: instructions of the thread that makes it."""

from collections.abc import Iterator
from pathlib import Path

from across_processes.report import Row, Skipped
from across_processes.writer_cost import package_folder
from benchmarks import callgrind


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    if not callgrind.is_available():
        raise Skipped("instructions are not counted: valgrind is not installed")
    counts = callgrind.count(["update", "update_logged"], package_folder())
    yield Row("update with a log", "instr", counts["update_logged"], "without", counts["update"], 1.03, exact=True)
