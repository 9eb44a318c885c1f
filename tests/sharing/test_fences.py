"""Who fences between a ticket and a reader's sleep: the writer, or for it, by membarrier, whoever falls asleep."""

import platform
import subprocess
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.fork import run_in_child
from helpers.rooms import native_module
from helpers.seccomp import accepts_fences, can_deny_membarrier, deny_membarrier, has_membarrier
from helpers.threads import at_once, run_threads, tries
from helpers.waiting import PATIENCE_S, until
from helpers.writers import SMALL

from pricecore import PriceEngine, attach

SWAP, STORE = False, True  # how the writer takes its tickets
RIGHT, NO_FENCE, EARLY_FENCE, LATE_FENCE = 0, 1, 2, 3  # what the reader does
NEVER_S = 3_600.0
TESTS = Path(__file__).resolve().parents[1]
STORES = has_membarrier() and not sysconfig.get_config_var("Py_GIL_DISABLED")

needs_membarrier = pytest.mark.skipif(not has_membarrier(), reason="this system has no membarrier")
where_writers_store = pytest.mark.skipif(not STORES, reason="writers fence here themselves")
where_it_can_be_denied = pytest.mark.skipif(not can_deny_membarrier(), reason="no filters of system calls here")


def side_by_side(may_store, rounds, way):
    """Return the first round in which reader and writer did not see each other."""
    pair = native_module("fences").SideBySide(may_store)
    assert pair.unfenced is may_store
    sides = [pair.write, lambda: pair.read(rounds, way)]
    return run_threads(2, lambda i: sides[i](), timeout_s=300.0)[1]


@pytest.mark.parametrize("may_store", [SWAP, pytest.param(STORE, marks=needs_membarrier)])
def test_reader_or_writer_sees_the_other(may_store):
    assert side_by_side(may_store, 500, RIGHT) is None


@pytest.mark.stress
@pytest.mark.parametrize("may_store", [SWAP, pytest.param(STORE, marks=needs_membarrier)])
def test_reader_or_writer_always_sees_the_other(may_store):
    assert all(side_by_side(may_store, 2_000, RIGHT) is None for _ in tries(for_s=10.0))


@at_once
@needs_membarrier
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="elsewhere is_announced fences in any case")
@pytest.mark.parametrize("way", [NO_FENCE, EARLY_FENCE, LATE_FENCE])
def test_broken_twin_overlooks_the_other(way):
    assert any(side_by_side(STORE, 2_000, way) is not None for _ in tries())


@where_writers_store
@pytest.mark.parametrize("name", [None, "md"])
def test_writer_leaves_the_fence_to_its_readers(name):
    with PriceEngine(name, **SMALL) as engine, engine.subscribe() as subscription:
        assert subscription.waits.unfenced
        assert accepts_fences() in (True, None)


HEAD = """
import sys
import time
sys.path.insert(0, sys.argv[1])
from helpers.seccomp import deny_membarrier
if sys.argv[2] == "denied":
    deny_membarrier()
import asyncio
import pricecore
from pricecore.delivery import bells, subscription_core
bells.LOOK_UP_S = subscription_core.LOOK_UP_S = 3600.0
"""
THREAD = """
with pricecore.attach("md") as view, view.subscribe(mode="all") as subscription:
    print("ready", flush=True)
    while True:
        try:
            print(subscription.poll(1, None)["price"][0], flush=True)
        except pricecore.WriterDiedError:
            time.sleep(0.01)
"""
LOOP = """
async def main():
    with pricecore.attach("md") as view, view.subscribe(mode="all") as subscription:
        print("ready", flush=True)
        async for batch in subscription.batches():
            print(*batch["price"], sep="\\n", flush=True)
asyncio.run(main())
"""
WRITER = f"""
with pricecore.PriceEngine("md", **{SMALL!r}) as engine:
    print(engine.subscribe().waits.unfenced, flush=True)
    for line in sys.stdin:
        engine.update("A", float(line))
"""


@contextmanager
def started(body, may_fence):
    """Run a script, but not for ever; yields its process and the first line that it printed."""
    command = [sys.executable, "-c", HEAD + body, TESTS, "allowed" if may_fence else "denied"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    limit = threading.Timer(2 * PATIENCE_S, process.kill)
    limit.start()
    try:
        yield process, process.stdout.readline().strip()
    finally:
        limit.cancel()
        process.kill()
        process.communicate()


@where_it_can_be_denied
@pytest.mark.parametrize("body", [THREAD, LOOP], ids=["thread", "loop"])
def test_reader_that_may_not_fence_for_the_writer_misses_nothing(engine, body):
    lose_flag = native_module("fences").lose_flag
    with engine.subscribe() as own, started(body, may_fence=False) as (process, said):
        assert (said, own.waits.unfenced) == ("ready", STORES)
        for price in range(1, 51):
            until(lambda: own.waits.announced)
            if STORES:
                lose_flag(own.waits)  # what may happen where nobody fences
            engine.update("A", price)
            assert process.stdout.readline() == f"{price:.1f}\n"


@where_it_can_be_denied
@pytest.mark.parametrize("name", [None, "md"])
def test_engine_that_may_not_accept_fences_wakes_its_readers(name, folder):
    def child():
        deny_membarrier()
        with PriceEngine(name, **SMALL) as engine, engine.subscribe(mode="all") as subscription:
            return subscription.waits.unfenced, is_woken_every_time(engine, subscription)

    assert run_in_child(child) == (False, True)


def is_woken_every_time(engine, subscription):
    with ThreadPoolExecutor(1) as pool:
        for price in range(1, 51):
            news = pool.submit(subscription.poll, 1, NEVER_S)
            until(lambda: subscription.waits.announced)
            engine.update("A", price)
            assert news.result(PATIENCE_S)["price"] == [price]
    return True


@where_writers_store
@where_it_can_be_denied
@pytest.mark.parametrize("may_fence", [True, False])
def test_reader_sleeps_from_a_writer_of_one_kind_to_one_of_the_other(may_fence):
    with (
        started(WRITER, may_fence=False) as (first, said),
        attach("md") as view,
        view.subscribe() as own,
        started(THREAD, may_fence) as (reader, ready),
    ):
        assert (said, ready) == ("False", "ready")
        price = send(first, reader, 0)
        first.kill()
        first.wait()
        for stores in (True, False, True):
            until(lambda: own.waits.announced)
            with started(WRITER, may_fence=stores) as (writer, said):
                assert said == str(stores)
                price = send(writer, reader, price)


def send(writer, reader, price):
    """Have the one publish, and the other answer, a number of prices; return the last one."""
    for _ in range(20):
        price += 1
        writer.stdin.write(f"{price}\n")
        writer.stdin.flush()
        assert reader.stdout.readline() == f"{price:.1f}\n"
    return price


@where_writers_store
@where_it_can_be_denied
@pytest.mark.parametrize("may_fence", [True, False])
def test_forked_child_asks_anew_who_fences(only_woken, may_fence):
    def child():
        if not may_fence:
            deny_membarrier()
        engine.update("A", 0.5)
        with engine.subscribe(mode="all") as subscription:
            answers = subscription.waits.unfenced, is_woken_every_time(engine, subscription)
        return answers if may_fence is False or accepts_fences() in (True, None) else "fences do not hold here"

    with PriceEngine(**SMALL) as engine:
        engine.update("A", 0.25)
        assert run_in_child(child) == (may_fence, True)
