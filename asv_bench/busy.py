"""One of the measured calls in a plain loop, for a profiler to look at.

    python asv_bench/busy.py [CALL] [--seconds S | --calls N]

CALL is a name of `benchmarks.loops`, such as update, update_many_10000, price or metrics.
"""

import argparse
import time

from benchmarks.loops import LOOPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("call", nargs="?", default="update", choices=sorted(LOOPS), metavar="CALL")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--calls", type=int, help="so many instead")
    args = parser.parse_args()
    loop, calls = LOOPS[args.call].make(), LOOPS[args.call].calls
    if args.calls is not None:
        loop(args.calls)
        return
    end_s = time.monotonic() + args.seconds
    while time.monotonic() < end_s:
        loop(calls)


if __name__ == "__main__":
    main()
