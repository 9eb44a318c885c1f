"""The calls of sharing: reading through a view, taking records by subscriptions, and what readers cost an update.

Engines with a name are written by this process, and their segments lie in a folder that goes with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import pricecore

from .measured import SYMBOL, TIME_NS, Loop, columns, engine_with_symbols, measured

SHARED_MEMORY = Path("/dev/shm")
ROOM_BYTES = 1 << 29
"""More than all segments take together; a container's shared memory may have less."""
ROWS = 64
POLLS = 1_000
"""For which there are records in the ring: no loop may be longer."""
READER = """
import sys
import pricecore
with pricecore.attach("bench") as view, view.subscribe() as one, view.subscribe(mode="all") as other:
    other.poll(timeout_s=0.01)
    view.metrics()
    print("here", flush=True)
    sys.stdin.read()
"""


@contextmanager
def passing_folder() -> Iterator[None]:
    """Let segments lie in a folder of their own, and take their names away at the end.

    Who has mapped one keeps it; nothing is left behind, however this process ends.
    """
    usual = os.environ.get("PRICECORE_SHM_DIR")
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ROOM_BYTES
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if roomy else None) as folder:
        os.environ["PRICECORE_SHM_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["PRICECORE_SHM_DIR"]
            if usual is not None:
                os.environ["PRICECORE_SHM_DIR"] = usual


OBSERVER = """
import os
import sys
import threading

from prometheus_client import generate_latest

from pricecore.observe import Watched
from pricecore.observe.prometheus import metrics_registry

registry, watched = metrics_registry("bench"), Watched("bench")
generate_latest(registry), watched.state()
print("here", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()
while True:
    generate_latest(registry), watched.state()
"""


def reads(call_of: Callable[["pricecore.EngineView"], Callable[[str], object]]) -> Loop:
    """Return a loop of reads through a view; the engine lives as long as it does."""
    with passing_folder():
        engine = engine_with_symbols("bench")
        call = call_of(pricecore.attach("bench"))

    def loop(n: int, _engine: pricecore.PriceEngine = engine) -> None:
        for _ in repeat(None, n):
            call(SYMBOL)

    return loop


@measured()
def view_price() -> Loop:
    return reads(lambda view: view.price)


@measured(calls=500)
def view_get() -> Loop:
    return reads(lambda view: view.get)


def updates(engine: pricecore.PriceEngine) -> Loop:
    call = engine.update

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL, 100.25, 1.5, TIME_NS, 0.5)

    return loop


@measured()
def update_named() -> Loop:
    """Without a reader."""
    with passing_folder():
        return updates(engine_with_symbols("bench"))


@measured()
def update_watched() -> Loop:
    """Beside another process that has attached and subscribed, and once slept, but does not wait now."""
    return updates_beside(READER)


@measured()
def update_observed() -> Loop:
    """Beside another process that reads the state of page and terminal view, and exports metrics, without a pause."""
    return updates_beside(OBSERVER)


def updates_beside(program: str) -> Loop:
    """Return a loop of updates beside a process that has attached to the engine; it ends with the loop."""
    with passing_folder():
        engine = engine_with_symbols("bench")
        reader = subprocess.Popen([sys.executable, "-P", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if reader.stdout.readline() != b"here\n":
            raise ImportError("the reader ended before it was attached: what it needs is not there")
    loop = updates(engine)
    weakref.finalize(loop, end, reader)
    return loop


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.communicate()


@measured(calls=100, rows=ROWS)
def poll_all_64() -> Loop:
    """Take 64 records at a time of a ring that is full of them."""
    engine = engine_with_symbols()
    ids, prices, volumes = columns(ROWS * POLLS)
    engine.update_many(ids, prices, volumes)
    first = engine.metrics().ring.sequence - ROWS * POLLS + 1
    subscribe = engine.subscribe

    def loop(n: int) -> None:
        poll = subscribe(mode="all", start=first).poll
        for _ in repeat(None, n):
            poll(ROWS)

    return loop


@measured(calls=100, rows=ROWS)
def poll_conflate_64() -> Loop:
    """A batch for 64 symbols, which is a part of the figure, and the news of each taken."""
    engine = engine_with_symbols()
    update, poll = engine.update_many, engine.subscribe().poll
    ids, prices, volumes = columns(ROWS)

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            update(ids, prices, volumes)
            poll(ROWS)

    return loop


@measured()
def poll_empty() -> Loop:
    poll = engine_with_symbols().subscribe().poll

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            poll()

    return loop
