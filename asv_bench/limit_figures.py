"""Every hot call beside its rivals in one run: ratios of CPU time, of wall time where two threads stand beside one;
medians of interleaved rounds.

    python asv_bench/limit_figures.py [--only NAME,...] [--reference COMMAND] [--quick] [--json]

Prints what was measured, the rival's figure, their ratio and its limit; ends with 1 when one is beyond it. COMMAND
starts the reference engines and prints one JSON object of their figures; rows beside them are left out without it, and
those beside packages that are not installed, visibly. --quick takes some seconds, and judges nothing.
"""

import sys

from beside_rivals import batches, cache_threads, caches, imports, reads, reference_rows, structures, threads, updates
from judged import Figures, make_parser, show

FIGURES: Figures = {
    "updates": updates.rows,
    "reads": reads.rows,
    "structures": structures.rows,
    "caches": caches.rows,
    "names": batches.by_name_rows,
    "imports": imports.rows,
    "reference": reference_rows.rows,
    "batches": batches.rows,
    "threads": threads.rows,
    "free-threaded": threads.free_threaded_rows,
    "free-threaded-caches": cache_threads.rows,
}


def main() -> int:
    parser = make_parser(__doc__, FIGURES)
    parser.add_argument("--reference", metavar="COMMAND", help="prints the reference engines' figures as JSON")
    return show(FIGURES, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
