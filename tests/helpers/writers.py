"""A real second process that writes a named engine."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SMALL = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 100, "pool_buffers": 4}

_HEAD = """
import os, sys
import pricecore
engine = pricecore.PriceEngine({name!r}, **{sizes!r})
"""


@contextmanager
def writer(name: str, body: str, **sizes: int) -> Iterator[subprocess.Popen]:
    """Run `body` in a process that has `engine` under this name; yields it once the body has printed a line."""
    script = _HEAD.format(name=name, sizes=SMALL | sizes) + body
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline(), "the writer ended before it was ready"
        yield process
    finally:
        process.kill()
        process.communicate()


READY = "print('ready', flush=True)\n"
UNTIL_TOLD = READY + "sys.stdin.read()\n"
"""Keeps the engine open until its stdin is closed."""

FOREVER = """
print('ready', flush=True)
x = 0.0
while True:
    x += 1.0
    engine.update("A", x, 2 * x, 0, 3 * x)
    engine.update_quote("A", x, 2 * x, 3 * x, 4 * x)
    engine.update_many(["A", "B"], [x, x], [2 * x, 2 * x], None, [3 * x, 3 * x])
"""
"""Writes prices that carry their own check until it is killed."""

BATCHES = """
import threading
import numpy as np
told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
ids = np.full(4_096, engine.register("A"), np.int32)
x = np.arange(1.0, 4_097.0)
while not told.is_set():
    engine.update_many(ids, x, 2 * x, None, 3 * x)
    engine.update_quotes(ids, x, 2 * x, 3 * x, 4 * x)
    if x[0] == 1.0:
        print("ready", flush=True)
    x += 4_096
print(engine.metrics().ring.sequence, flush=True)
engine.close()
sys.stdin.read()
"""
"""Writes one symbol as fast as it can, until it is told to end; then it prints its last sequence and closes."""
