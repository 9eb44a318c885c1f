"""Judges a run of ci/coverage: rows by room, the limits, missed lines that nothing accounts for; HTML of every file.

    python tests/line_coverage/report.py DATA_FILE HTML_FOLDER

Works in the tree that was measured. Lines and branches of .py are what coverage.py recorded; lines of .pyx and .pxd are
what compiled.py finds, put into the same report. Ends with 1 when something is below its limit or not accounted for.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import coverage
from coverage.plugin import CoveragePlugin, FileReporter

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from line_coverage.accounts import accounts, excluded, judged  # noqa: E402
from line_coverage.compiled import Lines, compiled_lines  # noqa: E402

LEAST_PERCENT = {"lines of .py": 95.0, "branches of .py": 95.0, "lines of .pyx": 95.0, "lines of .pxd": 95.0}
COLUMNS = tuple(LEAST_PERCENT)
ON_ENTRY = -1  # coverage.py's number for "from outside": a line that was reached is an arc to it


class CompiledReporter(FileReporter):
    """A .pyx or .pxd as coverage.py wants to know it."""

    def __init__(self, path: str, lines: Lines) -> None:
        super().__init__(path)
        self.executable = lines.executable

    def relative_filename(self) -> str:
        return Path(self.filename).relative_to(ROOT).as_posix()

    def lines(self) -> set[int]:
        return self.executable


class Compiled(CoveragePlugin):
    """Gives coverage.py the sources of compiled code."""

    def __init__(self, sources: dict[str, Lines]) -> None:
        self.sources = sources

    def file_reporter(self, filename: str) -> FileReporter:
        return CompiledReporter(filename, self.sources[Path(filename).relative_to(ROOT).as_posix()])


def measured(data_file: str, sources: dict[str, Lines]) -> coverage.Coverage:
    """Return coverage.py with the .py of all processes and the compiled sources."""
    plugin = Compiled(sources)
    cov = coverage.Coverage(
        data_file=data_file, config_file=str(ROOT / "pyproject.toml"), plugins=[lambda reg: reg.add_file_tracer(plugin)]
    )
    cov.combine(keep=True)
    data = cov.get_data()
    paths = {str(ROOT / source): lines for source, lines in sources.items()}
    data.add_arcs({path: {(ON_ENTRY, line) for line in lines.reached} for path, lines in paths.items()})
    data.add_file_tracers(dict.fromkeys(paths, plugin._coverage_plugin_name))
    return cov


def files_of(cov: coverage.Coverage) -> dict[str, dict]:
    """Return coverage.py's own account of each file, by its path from the root."""
    path = Path(cov.config.data_file).with_name("coverage.json")
    cov.json_report(outfile=str(path))
    return json.loads(path.read_text())["files"]


def counts_of(file: str, summary: dict) -> Iterator[tuple[str, int, int]]:
    """Yield what is counted of a file: the column, how many there are, how many were missed."""
    yield f"lines of {Path(file).suffix}", summary["num_statements"], summary["missing_lines"]
    if file.endswith(".py"):
        yield "branches of .py", summary["num_branches"], summary["missing_branches"]


def room_of(file: str) -> str:
    parts = Path(file).parts
    return f"{parts[1]}/" if len(parts) > 2 else "(top)"


def cell(all_of_it: int, missed: int) -> str:
    return f"{all_of_it:7,} {missed:4} {percent(all_of_it, missed):6.1f}" if all_of_it else " " * 19


def percent(all_of_it: int, missed: int) -> float:
    return 100.0 * (all_of_it - missed) / all_of_it if all_of_it else 100.0


def table(files: dict[str, dict]) -> tuple[list[str], dict[str, float]]:
    """Return a row for each room, one for all, and the shares of all in percent."""
    every, missed = Counter(), Counter()
    for file, entry in files.items():
        for column, count, without in counts_of(file, entry["summary"]):
            for room in (room_of(file), "all"):
                every[room, column] += count
                missed[room, column] += without
    rooms = [*sorted({room for room, _ in every} - {"all"}), "all"]
    rows = [f"{'':14}" + "".join(f" {column + ', missed, %':>32}"[-29:] for column in COLUMNS)]
    rows += [
        f"{room:14}" + "".join(f"{cell(every[room, column], missed[room, column]):>29}" for column in COLUMNS)
        for room in rooms
    ]
    return rows, {column: percent(every["all", column], missed["all", column]) for column in COLUMNS}


def missed_lines(files: dict[str, dict]) -> Iterator[tuple[str, int, str]]:
    for file, entry in sorted(files.items()):
        texts = (ROOT / file).read_text(encoding="utf-8").splitlines()
        for number in entry["missing_lines"]:
            yield file, number, texts[number - 1].strip()


def main() -> int:
    data_file, html = sys.argv[1:]
    sources = compiled_lines(ROOT)
    cov = measured(data_file, sources)
    not_counted = excluded()
    files = {file: entry for file, entry in files_of(cov).items() if file not in not_counted}
    cov.html_report(directory=html, title="pricecore: lines that the tests reach")
    rows, shares = table(files)
    print(*rows, *(f"not counted: {file}: {reason}" for file, reason in not_counted.items()), sep="\n")
    wrong = [
        f"{column}: {shares[column]:.2f} % of them reached, {least:g} % wanted"
        for column, least in LEAST_PERCENT.items()
        if shares[column] < least
    ]
    missed = list(missed_lines(files))
    wrong += judged(missed, accounts())
    print(f"{len(missed)} lines missed; {len(wrong)} complaints", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
