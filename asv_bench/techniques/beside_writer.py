"""What a reader in another process meets beside a writer that does nothing but write its symbol.

The writer is stopped at moments of chance, many of them in the middle of a store; then the price is read.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

STOPS, READS = 300, 20_000
WRITER = """
import numpy, pricecore
with pricecore.PriceEngine(name="beside") as engine:
    ids = numpy.repeat(engine.register(["BTC"]), 10_000)
    prices = numpy.linspace(90.0, 110.0, 10_000)
    engine.update_many(ids, prices)
    print("here", flush=True)
    while True:
        engine.update_many(ids, prices)
"""


def price_of(view) -> bool:
    """Read the price; tell whether there was one."""
    try:
        return view.price("BTC") > 0
    except KeyError:
        return False


def read_beside_stopped(view, writer: subprocess.Popen) -> tuple[bool, float]:
    """Stop the writer, read, let it go on; return whether there was a price, and the us that it took."""
    os.kill(writer.pid, signal.SIGSTOP)
    os.waitpid(writer.pid, os.WUNTRACED)
    begin = time.perf_counter_ns()
    found = price_of(view)
    took_us = (time.perf_counter_ns() - begin) / 1e3
    os.kill(writer.pid, signal.SIGCONT)
    return found, took_us


def read_beside_busy(view) -> float:
    """Return the CPU time of a read in ns."""
    begin = time.thread_time_ns()
    for _ in range(READS):
        price_of(view)
    return (time.thread_time_ns() - begin) / READS


def figures() -> dict[str, float]:
    """Return each figure under its name and unit."""
    import pricecore

    writer = subprocess.Popen([sys.executable, "-P", "-c", WRITER], stdout=subprocess.PIPE)
    try:
        if writer.stdout.readline() != b"here\n":
            raise RuntimeError("the writer ended before it wrote")
        with pricecore.attach("beside") as view:
            stops = []
            for _ in range(STOPS):
                time.sleep(random.uniform(0.0005, 0.0015))
                stops.append(read_beside_stopped(view, writer))
            busy = [read_beside_busy(view) for _ in range(5)]
    finally:
        writer.kill()
        writer.wait()
    return {
        f"stopped writer: no price, of {STOPS} reads": sum(not found for found, _ in stops),
        "stopped writer: slowest read, us": max(took_us for _, took_us in stops),
        "busy writer: a read, ns": sorted(busy)[2],
    }


def main() -> None:
    from benchmarks.sharing_loops import passing_folder

    with passing_folder():
        print(json.dumps(figures()), flush=True)
