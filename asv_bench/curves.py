"""How the cost of a call grows: the suites of `benchmarks.growth` in one run, as a table and as a drawing.

    python asv_bench/curves.py [--svg FILE] [--json] [--quick]

CPU time. Each point is the fastest of several readings, taken in rounds over all points, so that a busy moment of the
machine does not fall on one of them alone.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import drawing
from benchmarks import growth

ROUNDS = 9


class Curve(NamedTuple):
    """One line: a timed method of a suite over the suite's parameter."""

    panel: str
    label: str
    suite: type[growth.Growth]
    method: str
    operations: int
    unit: str = "ns"


CURVES = (
    Curve("one update, ns, by symbols", "update", growth.UpdateBySymbols, "time_update", growth.UPDATES),
    Curve("one update, ns, by symbols", "d[s] = (p, v, t, c)", growth.UpdateBySymbols, "time_dict", growth.UPDATES),
    Curve("a row of a batch, ns, by rows", "update_many", growth.UpdateByBatch, "time_update_many", 1_000_000),
    Curve("metrics, us, by window", "metrics", growth.MetricsByWindow, "time_metrics", 1, "us"),
)
Points = dict[int, float]


def reading(curve: Curve, value: int) -> Callable[[], float]:
    """Return what takes one reading, in the curve's unit."""
    suite = curve.suite()
    suite.setup(value)
    body = getattr(suite, curve.method)
    scale = {"ns": 1e9, "us": 1e6}[curve.unit] / curve.operations

    def read() -> float:
        begin = suite.timer()
        body(value)
        return (suite.timer() - begin) * scale

    return read


def measure(rounds: int) -> dict[Curve, Points]:
    readings = {(curve, value): reading(curve, value) for curve in CURVES for value in curve.suite.params}
    fastest = {key: read() for key, read in readings.items()}
    for i in range(rounds):
        print(f"... round {i + 1} of {rounds}", file=sys.stderr, flush=True)
        for key, read in readings.items():
            fastest[key] = min(fastest[key], read())
    return {curve: {value: fastest[curve, value] for value in curve.suite.params} for curve in CURVES}


def table(measured: dict[Curve, Points]) -> list[str]:
    lines = []
    for curve, points in measured.items():
        lines.append(f"{curve.panel}: {curve.label}")
        lines += [f"    {value:>12,}{figure:>14,.1f} {curve.unit}" for value, figure in points.items()]
    return lines


def as_dicts(measured: dict[Curve, Points]) -> list[dict[str, object]]:
    return [curve._asdict() | {"suite": curve.suite.__name__, "points": points} for curve, points in measured.items()]


def panels(measured: dict[Curve, Points]) -> dict[str, dict[str, Points]]:
    drawn: dict[str, dict[str, Points]] = {}
    for curve, points in measured.items():
        drawn.setdefault(curve.panel, {})[curve.label] = points
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svg", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one round")
    args = parser.parse_args()
    measured = measure(1 if args.quick else ROUNDS)
    if args.json:
        print(json.dumps(as_dicts(measured)))
    else:
        print(*table(measured), sep="\n")
    if args.svg:
        args.svg.write_text(drawing.curves(panels(measured)))


if __name__ == "__main__":
    main()
