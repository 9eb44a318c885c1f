"""The engine beside its rivals in one run: ratios of CPU time, medians of interleaved repeats.

    python asv_bench/figures.py [--reference COMMAND] [--rounds N] [--json]

COMMAND starts a reference engine that prints one JSON object with `seed.single_ns`, `seed.batch_10000_ns_per_update`
and `seed.get_metrics_full_mostly_distinct_us`, each with a `cpu_median`. It runs between our rounds, so that both
see the same machine. Without it the rivals of the standard library are timed alone.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

import pricecore

SYMBOLS = [f"SYM{i}" for i in range(64)]
TRADES = [
    (SYMBOLS[i % 64], 100.0 + i % 9973 * 0.01, 1000.0 + i % 4999, 1_700_000_000_000_000_000 + i, 2.5)
    for i in range(10_000)
]
REPEATS = 15


def cpu_ns(body: Callable[[], None], operations: int) -> float:
    """Return the median CPU time of the thread per operation over the repeats."""
    body()
    times = []
    for _ in range(REPEATS):
        begin = time.thread_time_ns()
        body()
        times.append((time.thread_time_ns() - begin) / operations)
    return statistics.median(times)


def empty_loop() -> float:
    def body() -> None:
        for _symbol, _price, _volume, _time, _change in TRADES:
            pass

    return cpu_ns(body, len(TRADES))


def single_update() -> float:
    update = pricecore.PriceEngine(out_of_order="apply").update

    def body() -> None:
        for symbol, price, volume, timestamp_ns, change in TRADES:
            update(symbol, price, volume, timestamp_ns, change)

    return cpu_ns(body, len(TRADES))


def dict_store() -> float:
    store: dict[str, tuple[float, float, int, float]] = {}

    def body() -> None:
        for symbol, price, volume, timestamp_ns, change in TRADES:
            store[symbol] = (price, volume, timestamp_ns, change)

    return cpu_ns(body, len(TRADES))


def batch_update() -> float:
    engine = pricecore.PriceEngine(ring_capacity=1024)
    ids = np.tile(engine.register(SYMBOLS), 157)[:10_000].copy()
    prices = np.array([trade[1] for trade in TRADES])
    volumes = np.array([trade[2] for trade in TRADES])
    return cpu_ns(lambda: engine.update_many(ids, prices, volumes), 10_000)


def distinct_latencies() -> list[int]:
    """A full window of mostly distinct latencies: 500 to 1500 ns, one in a hundred up to 100,000 ns."""
    random = np.random.default_rng(1)
    samples = 500 + random.integers(0, 1000, 10_000)
    samples[::100] = random.integers(0, 100_000, 100)
    return samples.tolist()


def metrics_us() -> float:
    engine = pricecore.PriceEngine()
    for latency_ns in distinct_latencies():
        engine._record_latency(latency_ns)
    return cpu_ns(lambda: [engine.metrics() for _ in range(20)] and None, 20) / 1000


def recorded_share() -> float:
    """Return the sum of recorded latencies over the wall time of a tight loop."""
    best = 0.0
    for _ in range(REPEATS):
        engine = pricecore.PriceEngine(latency_window=len(TRADES))
        update = engine.update
        begin = time.perf_counter_ns()
        for symbol, price, volume, timestamp_ns, change in TRADES:
            update(symbol, price, volume, timestamp_ns, change)
        wall_ns = time.perf_counter_ns() - begin
        best = max(best, engine.metrics().histogram.sum_ns / wall_ns)
    return best


def reference(command: str) -> dict[str, float]:
    seed = json.loads(subprocess.run(shlex.split(command), check=True, capture_output=True).stdout)["seed"]
    return {
        "reference_single_ns": seed["single_ns"]["cpu_median"],
        "reference_batch_ns": seed["batch_10000_ns_per_update"]["cpu_median"],
        "reference_metrics_us": seed["get_metrics_full_mostly_distinct_us"]["cpu_median"],
    }


def one_round(command: str | None) -> dict[str, float]:
    loop = empty_loop()
    figures = {
        "update_ns": single_update() - loop,
        "dict_ns": dict_store() - loop,
        "batch_ns": batch_update(),
        "metrics_us": metrics_us(),
        "recorded_share": recorded_share(),
    }
    return figures | (reference(command) if command else {})


def rows(figures: dict[str, float]) -> list[tuple[str, str, str, float, float | None]]:
    """Return (call, rival, unit, ours, rival's figure) and let the caller divide."""
    update, batch, metrics = "engine.update(...)", "update_many, 10,000 by id, a row", "metrics(), full window"
    table = [(update, "d[s] = (p, v, t, c)", "ns", figures["update_ns"], figures["dict_ns"])]
    if "reference_single_ns" in figures:
        single = figures["reference_single_ns"]
        table += [
            (update, "reference engine, one update", "ns", figures["update_ns"], single),
            (batch, "reference engine, one update", "ns", figures["batch_ns"], single),
            (metrics, "reference engine, metrics", "us", figures["metrics_us"], figures["reference_metrics_us"]),
        ]
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", metavar="COMMAND", help="prints the reference engine's figures as JSON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rounds = []
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
        rounds.append(one_round(args.reference))
    figures = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    if args.json:
        print(json.dumps(figures))
        return
    print(f"{'call':<34}{'rival':<32}{'ours':>10}{'rival':>12}{'ratio':>9}")
    for call, rival, unit, ours, theirs in rows(figures):
        print(f"{call:<34}{rival:<32}{ours:>7.1f} {unit}{theirs:>9.1f} {unit}{ours / theirs:>9.3f}")
    print(f"recorded latencies sum up to {figures['recorded_share']:.2f} of the caller's wall time")


if __name__ == "__main__":
    main()
