"""The housekeeping thread: chores once a second whatever the GIL does, and no trace of engines that are gone."""

import gc
import json
import os
import time
from pathlib import Path

import pytest
from helpers.rooms import native_module
from helpers.subprocesses import run_python
from helpers.threads import run_threads, switch_interval

from pricecore import PriceEngine

TASKS = Path("/proc/self/task")
DESCRIPTORS = Path("/proc/self/fd")
needs_proc = pytest.mark.skipif(not TASKS.exists(), reason="threads and descriptors are counted in /proc")
needs_own_malloc = pytest.mark.skipif("PRICECORE_SANITIZE" in os.environ, reason="a sanitizer keeps freed memory")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture(scope="module")
def native():
    return native_module("rooms")


def wait_for(condition, timeout_s=30.0):
    """Poll until it holds; the time limit only ends a test that has failed."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.01)


def test_chores_run_while_a_c_call_holds_the_gil(native):
    chore = native.Chore()
    chore.add()
    wait_for(lambda: chore.runs > 0)
    before = chore.runs
    native.hold_the_gil(1.5)  # nothing of Python runs meanwhile, the line behind it included
    assert chore.runs > before
    chore.remove()


def test_figures_move_while_python_code_never_gives_the_gil_away():
    with PriceEngine(max_symbols=1024, ring_capacity=1024) as engine, switch_interval(3600):
        engine.update("A", 1.0)
        end = time.monotonic() + 30
        while engine.segment.figures()["throughput_per_s"] == 0 and time.monotonic() < end:
            pass
        assert engine.segment.figures()["throughput_per_s"] > 0


def test_a_removed_chore_never_runs_again(native):
    removed, witness = native.Chore(), native.Chore()
    removed.add()
    witness.add()
    wait_for(lambda: removed.runs > 0)
    removed.remove()
    runs, seen = removed.runs, witness.runs
    wait_for(lambda: witness.runs >= seen + 2)
    assert removed.runs == runs
    witness.remove()


def test_removing_one_of_many_keeps_the_others(native):
    chores = [native.Chore() for _ in range(40)]
    for chore in chores:
        chore.add()
    for chore in chores[::2]:
        chore.remove()
        chore.remove()  # a second time does nothing
    kept = chores[1::2]
    before = [chore.runs for chore in kept]
    wait_for(lambda: all(chore.runs > at for chore, at in zip(kept, before, strict=True)))
    stopped = [chore.runs for chore in chores[::2]]
    at = kept[0].runs
    wait_for(lambda: kept[0].runs > at)
    assert [chore.runs for chore in chores[::2]] == stopped
    assert {chore.runs - start for chore, start in zip(kept, before, strict=True)} <= {kept[0].runs - before[0]}


def test_engines_come_and_go_in_many_threads_while_chores_run(native):
    witness = native.Chore()
    witness.add()

    def body(index):
        for _ in range(30):
            engine = PriceEngine(max_symbols=1024, ring_capacity=1024, pool_buffers=1)
            engine.update("A", 1.0)
            if index % 2:
                engine.close()

    run_threads(4, body)
    at = witness.runs
    wait_for(lambda: witness.runs > at)
    witness.remove()


def resident_kib():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])


def mappings():
    return len(Path("/proc/self/maps").read_text().splitlines())


@needs_proc
@needs_own_malloc
def test_engines_leave_no_thread_no_descriptor_no_memory_behind():
    def cycle(count):
        for _ in range(count):
            with PriceEngine(max_symbols=4096, ring_capacity=1024, pool_buffers=4) as engine:
                engine.register([f"S{i}" for i in range(2000)])
        gc.collect()

    cycle(10)
    before = len(list(TASKS.iterdir())), len(list(DESCRIPTORS.iterdir())), mappings()
    resident = resident_kib()
    cycle(60)  # 60 times 0.5 MB of slots and names alone
    assert len(list(DESCRIPTORS.iterdir())) == before[1]
    wait_for(lambda: len(list(TASKS.iterdir())) <= before[0])  # a thread that was joined is listed for a moment
    assert mappings() < before[2] + 20
    assert resident_kib() < resident + 8_000


EXITS = {
    "engine open": "",
    "engine closed": "engine.close()",
    "in a cycle": "class E(pricecore.PriceEngine): pass\ne = E(); e.me = e; del e",
    "with a writer": "w = engine.writer(); w.update('A', 2.0)",
    "default engine": "pricecore.get_engine().update('A', 1.0)",
    "thread updating": "threading.Thread(target=spin, daemon=True).start(); time.sleep(0.05)",
    "thread in a batch": "threading.Thread(target=batches, daemon=True).start(); time.sleep(0.05)",
    "in the chore's second": "time.sleep(0.999)",
}


@pytest.mark.parametrize("last_words", EXITS.values(), ids=EXITS.keys())
def test_the_interpreter_ends_cleanly(last_words):
    done = run_python(
        "import threading, time, numpy as np, pricecore\n"
        "engine = pricecore.PriceEngine(); engine.update('A', 1.0)\n"
        "def spin():\n    while True: engine.update('A', 1.0)\n"
        "def batches():\n"
        "    ids, prices = np.zeros(100_000, np.int32), np.ones(100_000)\n"
        "    while True: engine.update_many(ids, prices)\n" + last_words
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


FORK = """
import json, os, sys, time, warnings
import pricecore
warnings.simplefilter("ignore")     # of a fork with a second thread: the thread is what is tested
engine = pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024)
engine.update("A", 1.0)
threads = lambda: len(os.listdir("/proc/self/task"))
pid = os.fork()
if pid == 0:
    told = {"before": threads()}
    engine.update("A", 2.0)                     # mends the engine, starts the thread
    told["after"] = threads()
    deadline = time.monotonic() + 30
    while engine.segment.figures()["throughput_per_s"] == 0 and time.monotonic() < deadline:
        engine.update("A", 3.0)
        time.sleep(0.05)
    told["throughput"] = engine.segment.figures()["throughput_per_s"]
    engine.close()
    print(json.dumps(told), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
deadline = time.monotonic() + 30
while engine.segment.figures()["throughput_per_s"] == 0 and time.monotonic() < deadline:
    engine.update("A", 3.0)
    time.sleep(0.05)
print(engine.segment.figures()["throughput_per_s"] > 0)
"""


@needs_proc
@needs_fork
def test_a_forked_child_has_a_thread_of_its_own_from_its_first_call_on():
    done = run_python(FORK)
    assert (done.returncode, done.stderr) == (0, "")
    child, parent = done.stdout.splitlines()
    told = json.loads(child)
    assert told["after"] == told["before"] + 1
    assert told["throughput"] > 0
    assert parent == "True"


FORKS = """
import os, sys, threading, warnings
import pricecore
warnings.simplefilter("ignore")
stop = False
def churn():
    while not stop:
        engine = pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024, pool_buffers=1)
        engine.update("A", 1.0)
kept = pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024)
threads = [threading.Thread(target=churn) for _ in range(3)]
for thread in threads: thread.start()
codes = []
for i in range(40):
    pid = os.fork()
    if pid == 0:
        kept.update("A", 1.0)
        with pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024) as engine:
            engine.update("A", 1.0)
        kept.close()
        os._exit(0)
    codes.append(os.waitpid(pid, 0)[1])
stop = True
for thread in threads: thread.join()
print(codes == [0] * 40, codes)
"""


@needs_fork
def test_children_forked_while_engines_come_and_go_work():
    done = run_python(FORKS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("True"), done.stdout


FORK_HOOKS = """
import os, sys, warnings
dying = {"before": [], "after_in_parent": [], "after_in_child": []}
for name, engines in dying.items():
    os.register_at_fork(**{name: engines.clear})    # around the hooks of whatever is imported later
import pricecore
for name, engines in dying.items():
    os.register_at_fork(**{name: engines.clear})
warnings.simplefilter("ignore")
for _ in range(3):
    for engines in dying.values():
        engines += [pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024, pool_buffers=1) for _ in range(2)]
    pid = os.fork()
    if pid == 0:
        pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024).update("A", 1.0)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""


@needs_fork
def test_an_engine_may_die_in_the_hooks_around_a_fork():
    done = run_python(FORK_HOOKS)
    assert (done.returncode, done.stderr) == (0, "")


@needs_proc
def test_the_thread_takes_no_signals_but_its_own_crash(native):
    chore = native.Chore()
    chore.add()
    wait_for(lambda: chore.runs > 0)
    masks = [
        int(line.split()[1], 16)
        for task in TASKS.iterdir()
        for line in (task / "status").read_text().splitlines()
        if line.startswith("SigBlk")
    ]
    chore.remove()
    blocked = {1, 2, 10, 12, 14, 15, 17}  # HUP, INT, USR1, USR2, ALRM, TERM, CHLD
    free = {4, 7, 8, 11}  # ILL, BUS, FPE, SEGV
    assert any(
        all(mask >> (number - 1) & 1 for number in blocked) and not any(mask >> (number - 1) & 1 for number in free)
        for mask in masks
    )


CYCLES = """
import gc, sys
import pricecore
gc.disable()
class Keeper: pass
class Engine(pricecore.PriceEngine): pass
for _ in range(50):
    engine = pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024, pool_buffers=1)
    writer = engine.writer()
    one, two = Keeper(), Keeper()       # two cycles that share a handle: one is torn apart while the other holds it
    one.me, two.me = one, two
    one.writer = two.writer = writer
    own = Engine(max_symbols=1024, ring_capacity=1024, pool_buffers=1)
    own.me, own.handle = own, own.writer()
    del engine, writer, one, two, own
    gc.collect()
print(len([o for o in gc.get_objects() if isinstance(o, pricecore.PriceEngine)]))
"""


def test_engines_and_handles_in_garbage_cycles_are_collected_without_harm():
    done = run_python(CYCLES)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    assert done.stdout == "0\n"
