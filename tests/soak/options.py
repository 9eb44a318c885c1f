"""What a soak may be told."""

import argparse
from pathlib import Path
from typing import NamedTuple

LEAST_S = 5.0


class Options(NamedTuple):
    """How long, how fast, how often, where."""

    run_s: float
    rate_per_s: float = 10_000.0
    fault_every_s: float = 60.0
    sample_every_s: float = 5.0
    keep_mib: float = 16.0
    data: Path | None = None
    out: Path = Path("build/soak")


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line; exit with code 2 when it is wrong."""
    parser = argparse.ArgumentParser(prog="ci/soak", description=__doc__)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--hours", type=_positive, help="how long; 24 is the run that is meant")
    length.add_argument("--minutes", type=_positive)
    length.add_argument("--seconds", type=_positive)
    add = parser.add_argument
    add("--rate", type=_positive, default=10_000.0, help="messages a second (10000)")
    add("--fault-every", type=_positive, default=60.0, metavar="S", help="seconds between two faults (60)")
    add("--sample-every", type=_positive, default=5.0, metavar="S", help="seconds between two samples (5)")
    add("--keep-mib", type=_positive, default=16.0, help="MiB of sealed files that the log keeps (16)")
    add("--data", type=Path, help="folder with recorded market data; by default the bundled sample is played")
    add("--out", type=Path, default=Path("build/soak"), help="folder for the report (build/soak)")
    args = parser.parse_args(arguments)
    run_s = args.hours * 3_600 if args.hours else args.minutes * 60 if args.minutes else args.seconds
    if run_s < LEAST_S:
        parser.error(f"{run_s:g} s is too short; it takes at least {LEAST_S:g} s")
    return Options(run_s, args.rate, args.fault_every, args.sample_every, args.keep_mib, args.data, args.out)


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value
