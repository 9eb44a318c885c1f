"""Takes each technique out of a copy of the package, builds that, and prints what the calls cost with it and without.

    python asv_bench/without.py [--only NAMES] [--rounds N] [--json]

Instructions are counted by callgrind and repeat; times are CPU ns a call or row, the median over fresh processes of
both builds by turns. A `~` marks a change that may be none: fewer than seven of eight rounds agree. The build of
everything takes some minutes, then each technique as long as what depends on it. docs/techniques.md explains them.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import built_copy
from benchmarks import callgrind
from techniques.table import TECHNIQUES
from techniques.technique import Technique
from techniques.timed import Side, in_new_process, ns_by_turns

EXACT = 0.003
"""Counts of the same code differ by less."""
AGREED = 7 / 8
"""Of rounds: chance alone makes as many agree in one case of fourteen."""
HEAD = f"{'technique':<26}{'call':<44}{'without':>12}{'with':>12}{'change':>9}"


class Row(NamedTuple):
    """One call, measured with a technique and without."""

    technique: str
    call: str
    unit: str
    without: float
    with_it: float
    sure: bool = True

    @property
    def change(self) -> float:
        """What the technique makes of 1."""
        return self.with_it / self.without - 1 if self.without else 0.0


def counts(technique: Technique, packages: tuple[Path, Path]) -> Iterator[Row]:
    """Yield the instructions of a call, or of a row."""
    if not technique.counted or not callgrind.is_available():
        return
    before, after = (callgrind.count(technique.counted, str(package)) for package in packages)
    for call in technique.counted:
        sure = abs(after[call] - before[call]) > EXACT * before[call]
        yield Row(technique.name, call, "instructions", before[call], after[call], sure)


def times(technique: Technique, packages: tuple[Path, Path], rounds: int) -> Iterator[Row]:
    for call in technique.timed:
        without = Side(packages[0], technique.instead.get(call, call), technique.environment)
        taken = ns_by_turns((without, Side(packages[1], call, {})), rounds)
        before, after = (statistics.median(side) for side in zip(*taken, strict=True))
        yield Row(technique.name, call, "ns", before, after, is_sure(taken, after < before))


def is_sure(taken: list[tuple[float, float]], better: bool) -> bool:
    """Tell whether seven of eight rounds went that way."""
    return sum((after < before) is better for before, after in taken) >= AGREED * len(taken)


def beside_writer(technique: Technique, packages: tuple[Path, Path]) -> Iterator[Row]:
    if technique.beside_writer:
        before, after = (json.loads(in_new_process("beside_writer", Side(package, "", {}))) for package in packages)
        for call in before:
            yield Row(technique.name, call, "", before[call], after[call])


def measure(technique: Technique, packages: tuple[Path, Path], rounds: int) -> Iterator[Row]:
    """Yield the rows of a technique; the packages are the one without it and the one as it is."""
    yield from counts(technique, packages)
    yield from times(technique, packages, rounds)
    yield from beside_writer(technique, packages)


def buys(rows: list[Row]) -> bool:
    """Tell whether any figure is surely lower with the technique."""
    return any(row.sure and row.with_it < row.without for row in rows)


def line(row: Row) -> str:
    call = f"{row.call}, {row.unit}" if row.unit else row.call
    change = f"{row.change:>+8.1%}" if row.without else f"{'':>8}"
    return (
        f"{row.technique:<26}{call:<44}{row.without:>12,.1f}{row.with_it:>12,.1f}{change:>9}{'' if row.sure else ' ~'}"
    )


def package_without(technique: Technique, built: Path, target: Path) -> Path:
    """Return the folder to measure: a changed copy, or what was built if nothing is to be replaced."""
    if not technique.replacements:
        return built
    return built_copy.changed_copy(built, target, technique.replacements)


def all_rows(names: list[str], rounds: int) -> Iterator[list[Row]]:
    """Yield the rows of each technique; say on stderr what is being done."""
    with tempfile.TemporaryDirectory() as folder:
        tell("building the package as it is")
        built = built_copy.build(built_copy.copy_sources(Path(folder, "as_it_is")))
        for name in names:
            tell(f"{name}: {TECHNIQUES[name].claim}")
            package = package_without(TECHNIQUES[name], built, Path(folder, name))
            yield list(measure(TECHNIQUES[name], (package, built), rounds))


def tell(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


def names_of(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - TECHNIQUES.keys()
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no technique {', '.join(sorted(unknown))}; there are {', '.join(TECHNIQUES)}"
        )
    return names


def show(tables: Iterator[list[Row]]) -> None:
    print(HEAD)
    for rows in tables:
        print(*map(line, rows), sep="\n", flush=True)
        if rows and not buys(rows):
            print(f"{rows[0].technique}: nothing measurable", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAMES", type=names_of, default=list(TECHNIQUES), help=", ".join(TECHNIQUES))
    parser.add_argument("--rounds", type=int, default=8, help="of every time (default 8)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if not callgrind.is_available():
        print("SKIP instructions: valgrind is not installed", file=sys.stderr)
    tables = all_rows(args.only, args.rounds)
    if args.json:
        print(json.dumps([row._asdict() | {"change": row.change} for rows in tables for row in rows]))
    else:
        show(tables)


if __name__ == "__main__":
    main()
