"""Times every suite's methods in interleaved rounds and prints each beside ours: mean, 95 % interval, ratio.

    python asv_bench/side_by_side.py [--rounds N] [--suite NAME]

The figures are CPU time of the process, a call: what other programs use is not in them, what they do to the caches is.
A round times each method of a suite once, so that a disturbance meets all of them; the interval is that of the mean
over the rounds, 1.96 standard errors on both sides.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks import engine, feeds, primitives, sharing
from benchmarks.loops import expected
from benchmarks.suite import Suite

ROUND_NS = 20_000_000


def suites() -> Iterator[type[Suite]]:
    """Yield the classes that hold `time_` methods, in the order of the files."""
    for module in (engine, primitives, sharing, feeds):
        for thing in vars(module).values():
            if isinstance(thing, type) and thing.__module__ == module.__name__ and issubclass(thing, Suite):
                yield thing


def methods(suite: type[Suite]) -> list[str]:
    """Return ours, then its rivals."""
    return ["time_pricecore", *(name for name in vars(suite) if name.startswith("time_") and name != "time_pricecore")]


def cases(suite: type[Suite]) -> Iterator[tuple[str, int, dict[str, Callable[[], Any]]]]:
    """Yield title, operations of a run, and the methods bound to each parameter."""
    own = suite()
    for value in getattr(suite, "params", (None,)):
        arguments = () if value is None else (value,)
        if suite.ours.format(*arguments) not in expected():
            continue
        title = suite.__name__ if value is None else f"{suite.__name__}: {value}"
        bound = {name: partial(getattr(own, name), *arguments) for name in methods(suite)}
        rows = value if isinstance(value, int) else 1
        yield title, suite.operations * rows, bound


def ns_of_a_run(run: Callable[[], Any], repeats: int) -> float:
    begin = time.process_time_ns()
    for _ in range(repeats):
        run()
    return (time.process_time_ns() - begin) / repeats


def sampled(runs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Return the rounds' times of each method; repeats are chosen so that a round of one takes 20 ms."""
    repeats = {}
    for name, run in runs.items():
        run()
        repeats[name] = max(1, round(ROUND_NS / ns_of_a_run(run, 3)))
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            samples[name].append(ns_of_a_run(run, repeats[name]))
    return samples


def report(title: str, operations: int, samples: dict[str, list[float]]) -> None:
    """Print a line for each method, its ratio to the first one, which is ours."""
    means = {name: statistics.fmean(values) / operations for name, values in samples.items()}
    ours = next(iter(means.values()))
    print(title)
    for name, mean in means.items():
        half = 1.96 * statistics.stdev(samples[name]) / len(samples[name]) ** 0.5 / operations
        ratio = f"{mean / ours:>8.2f} x ours" if mean is not ours else ""
        print(f"    {name.removeprefix('time_'):<24}{mean:>12,.1f} ns  +-{half:>10,.1f}{ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="at least 2 (default 15)")
    parser.add_argument("--suite", default="", help="only suites with this in their name")
    args = parser.parse_args()
    for suite in suites():
        if args.suite.lower() in suite.__name__.lower():
            for title, operations, runs in cases(suite):
                report(title, operations, sampled(runs, max(args.rounds, 2)))


if __name__ == "__main__":
    main()
