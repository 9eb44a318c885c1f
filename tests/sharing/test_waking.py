"""Sleeping readers are woken: by every update, in every process, and never missed.

PRICECORE_WAKES sets how many wakes a long run has; the full form is a million.
"""

import asyncio
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from helpers.rooms import native_module
from helpers.threads import at_once, run_threads, tries
from helpers.waiting import until
from helpers.writers import SMALL

from pricecore import EngineClosedError, PriceEngine, SegmentError, attach

PATIENCE_S = 60.0
NEVER_S = 3_600.0
WAKES = int(os.environ.get("PRICECORE_WAKES", "50_000"))
LATE_ANNOUNCEMENT, EARLY_LOOK, SAME_TURN, LATE_LOOK, ONE_LOOK, BETWEEN, LATE_STORE, LATE_STORE_ONE_LOOK = range(1, 9)
THREAD, LOOP = False, True  # how the reader sleeps
SWAP, STORE = False, True  # how the writer takes its tickets


def ping_pong(watches, rounds, timeout_s, fault, stores=SWAP):
    pair = native_module("waking").PingPong(watches, stores)
    sides = [lambda: pair.ping(rounds, fault), lambda: pair.sleep(rounds, int(timeout_s * 1e9), fault)]
    return run_threads(2, lambda i: sides[i](), timeout_s=PATIENCE_S * 5)[1]


@pytest.mark.parametrize("stores", [SWAP, STORE])
@pytest.mark.parametrize("way", [0, LATE_LOOK])
@pytest.mark.parametrize("watches", [THREAD, LOOP])
def test_no_wake_is_missed(watches, way, stores):
    assert ping_pong(watches, 10_000, PATIENCE_S, way, stores) == 0


@pytest.mark.stress
@pytest.mark.parametrize("stores", [SWAP, STORE])
@pytest.mark.parametrize("way", [0, LATE_LOOK])
@pytest.mark.parametrize("watches", [THREAD, LOOP])
def test_no_wake_is_missed_in_a_long_run(watches, way, stores):
    assert ping_pong(watches, WAKES, PATIENCE_S, way, stores) == 0


@pytest.mark.parametrize("stores", [SWAP, STORE])
@pytest.mark.parametrize("way", [BETWEEN, LATE_STORE])
@pytest.mark.parametrize("watches", [THREAD, LOOP])
def test_no_wake_is_missed_where_the_two_come_between_each_other(watches, way, stores):
    assert ping_pong(watches, 20, PATIENCE_S, way, stores) == 0


@pytest.mark.parametrize(
    ("watches", "fault"),
    [
        (THREAD, LATE_ANNOUNCEMENT),
        (THREAD, EARLY_LOOK),
        (THREAD, SAME_TURN),
        (THREAD, LATE_STORE_ONE_LOOK),
        (LOOP, LATE_ANNOUNCEMENT),
        (LOOP, EARLY_LOOK),
        (LOOP, LATE_STORE_ONE_LOOK),
    ],
)
def test_broken_twin_misses_one(watches, fault):
    assert ping_pong(watches, 20, 0.1, fault) == 1


@at_once
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="elsewhere the writer's look is fenced")
def test_one_look_is_not_enough_beside_a_writer_that_stores():
    if not any(ping_pong(THREAD, 20_000, 0.1, ONE_LOOK, STORE) for _ in tries(30.0)):
        pytest.skip("no store lingered in this processor: the twin above has one that does")


UPDATES = {
    "update": lambda engine: engine.update("A", 1.0),
    "update_quote": lambda engine: engine.update_quote("A", 1.0, 2.0),
    "update_many": lambda engine: engine.update_many(["A"], [1.0]),
    "update_many, long": lambda engine: engine.update_many(["A"] * 200, [1.0] * 200),
    "update_quotes": lambda engine: engine.update_quotes(["A"], [1.0], [2.0]),
    "writer": lambda engine: engine.writer().update("A", 1.0),
    "new symbol": lambda engine: engine.update("new", 1.0),
}


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("mode", ["all", "conflate"])
def test_every_kind_of_update_wakes(engine, only_woken, update, mode):
    def publish():
        until(lambda: subscription.waits.announced)
        UPDATES[update](engine)

    engine.update("A", 0.5)
    with attach("md") as view, view.subscribe(mode=mode) as subscription:
        sides = [lambda: subscription.poll(1, NEVER_S), publish]
        for _ in range(3):
            assert len(run_threads(2, lambda i: sides[i]())[0]) == 1
            while len(subscription.poll()):
                pass


def test_update_that_waited_for_room_wakes_too(engine, only_woken):
    def publish():
        until(lambda: subscription.waits.announced)
        engine.update("A", 1.0)  # finds the ring full, and waits

    def make_room():
        until(lambda: holder.behind == 1_024)
        until(lambda: subscription.waits.announced)
        time.sleep(0.02)
        holder.read(10)

    with engine.consumer("log", full_timeout_s=PATIENCE_S) as holder, engine.subscribe(mode="all") as subscription:
        engine.update_many(["A"] * 1_023, [1.0] * 1_023)
        while len(subscription.poll()):
            pass
        sides = [lambda: subscription.poll(1, NEVER_S), publish, make_room]
        assert len(run_threads(3, lambda i: sides[i]())[0]) == 1


@pytest.mark.parametrize("what", ["engine", "subscription"])
def test_closing_wakes(engine, only_woken, what):
    subscription = engine.subscribe()

    def close():
        until(lambda: subscription.waits.announced)
        time.sleep(0.02)  # else it may not sleep yet, and sees it without a wake
        (engine if what == "engine" else subscription).close()

    def wait():
        with pytest.raises(EngineClosedError):
            subscription.poll(1, NEVER_S)

    sides = [close, wait]
    run_threads(2, lambda i: sides[i]())


READER = """
import sys
import pricecore
from pricecore.delivery import subscription_core
subscription_core.LOOK_UP_S = 3600.0
with pricecore.attach("md") as view, view.subscribe(mode="all") as subscription:
    assert subscription.waits.wakes
    print("ready", flush=True)
    while True:
        print(subscription.poll(1, None)["price"][0], flush=True)
"""


def test_reader_in_another_process_is_woken_every_time(engine):
    engine.update("A", 0.5)
    process = subprocess.Popen([sys.executable, "-c", READER], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        for price in range(1, 501):
            engine.update("A", price)
            assert process.stdout.readline() == f"{price:.1f}\n"
    finally:
        process.kill()
        process.communicate()


def test_loop_is_woken_every_time(engine, only_woken):
    async def main():
        async def answer():
            nonlocal answered
            async for batch in engine.subscribe(mode="all").batches():
                answered = batch["price"][-1]
                arrived.set()

        answered, arrived = 0.0, asyncio.Event()
        task = asyncio.create_task(answer())
        await asyncio.sleep(0.01)
        for price in range(1, 501):
            await asyncio.to_thread(engine.update, "A", price)
            while answered != price:
                await arrived.wait()
                arrived.clear()
        task.cancel()

    asyncio.run(asyncio.wait_for(main(), PATIENCE_S))


def test_child_of_a_fork_is_woken_by_its_parent(engine, only_woken):
    def child(view, pipe):
        with view.subscribe(mode="all") as subscription:
            pipe.send("ready")
            for _ in range(20):
                pipe.send(subscription.poll(1, NEVER_S)["price"][0])

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with attach("md") as view:
        process = context.Process(target=child, args=(view, theirs))
        process.start()
        try:
            assert ours.recv() == "ready"
            for price in range(1, 21):
                engine.update("A", price)
                assert ours.poll(PATIENCE_S)
                assert ours.recv() == price
        finally:
            process.kill()
            process.join()


@contextmanager
def no_descriptors():
    """What is open stays open; nothing more can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_view_that_had_no_descriptor_for_the_page_is_woken_from_its_next_subscription_on(engine, only_woken):
    def child(view, pipe):
        attach("md").subscribe().close()  # imports what it needs
        with no_descriptors():
            with pytest.raises(OSError, match="Too many open files"):
                os.open(os.devnull, os.O_RDONLY)
            without = [view.subscribe(mode="all") for _ in range(2)]
        pipe.send([subscription.waits.wakes for subscription in without])
        with view.subscribe(mode="all") as subscription:
            pipe.send(subscription.waits.wakes)
            for _ in range(20):
                pipe.send(subscription.poll(1, NEVER_S)["price"][0])
        pipe.send([len(subscription.poll()) for subscription in without])

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with attach("md") as view, engine.subscribe() as own:
        process = context.Process(target=child, args=(view, theirs))
        process.start()
        theirs.close()
        try:
            assert ours.recv() == [False, False]
            assert ours.recv() is True
            for price in range(1, 21):
                until(lambda: own.waits.announced)
                engine.update("A", price)
                assert ours.poll(PATIENCE_S)
                assert ours.recv() == price
            assert ours.recv() == [20, 20]
        finally:
            process.kill()
            process.join()


def test_private_engine_in_a_forked_child_wakes_its_own(only_woken):
    script = (
        "import os, threading, warnings, pricecore\n"
        "warnings.simplefilter('ignore')\n"
        "engine = pricecore.PriceEngine()\n"
        "engine.update('A', 1.0)\n"
        "subscription = engine.subscribe(mode='all')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    threading.Timer(0.05, engine.update, ('A', 2.0)).start()\n"
        "    assert subscription.poll(1, 60.0)['price'][0] == 2.0\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(subscription.poll()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.stdout == "7 0\n", done.stderr


def test_page_belongs_to_the_owner_alone(engine, folder):
    assert (folder / "pricecore-md.wait").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["open to others", "pipe", "link"])
def test_page_that_is_not_ours_alone_is_refused_by_a_writer(folder, kind):
    path = folder / "pricecore-md.wait"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(folder / "elsewhere")
    else:
        path.touch()
        path.chmod(0o666)
    with pytest.raises(SegmentError, match=r"waiting readers|delete it"):
        PriceEngine("md", **SMALL)
    assert sorted(other.name for other in folder.iterdir()) == [path.name]
