"""The figures of sharing an engine between processes, each beside its rival in the same run.

    python asv_bench/sharing_figures.py [--only NAME,...] [--quick] [--json]

Prints what was measured, the rival's figure, their ratio and its limit; ends with 1 when one is over. --quick takes
less than a minute and judges only what does not depend on the machine's other work: nothing torn, nothing lost,
instructions, backlog. What is missing here (valgrind, redis-server, a C compiler) leaves its figures out, visibly.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator

from across_processes import age, conflation, reads, redis_get, stream, torn, wake_up, writer_cost
from across_processes.report import HEAD, Row, Skipped, as_dicts, line, verdict
from benchmarks.sharing_loops import passing_folder

FIGURES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "reads": reads.rows,
    "redis": redis_get.rows,
    "torn": torn.rows,
    "writer": writer_cost.rows,
    "stream": stream.rows,
    "wake": wake_up.rows,
    "age": age.rows,
    "conflation": conflation.rows,
}


def measure(names: list[str], quick: bool) -> Iterator[Row]:
    """Yield the rows of these figures; say on stderr which is being measured, and which cannot be."""
    for name in names:
        print(f"... {name}", file=sys.stderr, flush=True)
        try:
            yield from FIGURES[name](quick)
        except Skipped as reason:
            print(f"SKIP {name}: {reason}", file=sys.stderr)


def names_of(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - FIGURES.keys()
    if unknown:
        raise argparse.ArgumentTypeError(f"no figure {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAMES", type=names_of, default=list(FIGURES), help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    measured = []
    if not args.json:
        print(HEAD)
    with passing_folder():
        for row in measure(args.only, args.quick):
            measured.append(row)
            if not args.json:
                print(line(row, args.quick), flush=True)
    if args.json:
        print(json.dumps(as_dicts(measured, args.quick)))
    return 1 if any(verdict(row, args.quick) == "over" for row in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
