"""A whole engine in a process whose clocks step and drift, with the processor's counter and without one.

A library that is loaded before the system's stands between the process and its clocks (tests/native/odd_clock.c).
"""

import ctypes
import os
import shlex
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.subprocesses import run_python

from pricecore.primitives import clock

NATIVE = Path(__file__).resolve().parents[1] / "native"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs LD_PRELOAD")
SOURCES = ["auto", "monotonic"]


@pytest.fixture(scope="module")
def odd_clock(tmp_path_factory):
    """The library, compiled."""
    library = tmp_path_factory.mktemp("odd") / "odd_clock.so"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    environment = {**os.environ, "LD_PRELOAD": ""}
    command = [*compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(NATIVE / "odd_clock.c")]
    subprocess.run(command, check=True, env=environment)
    return library


PREPARED = """
import ctypes, os, sys, time
import numpy as np
import pricecore

S = 1_000_000_000
odd = ctypes.CDLL(sys.argv[1])
odd.odd_clock_step.argtypes = odd.odd_clock_drift.argtypes = [ctypes.c_int64]
step, drift = odd.odd_clock_step, odd.odd_clock_drift
engine = pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024, latency_window=1000)
count = 0

def taken_ns():
    '''Update in every way; return when the engine took it. It is counted, not late, and its latency is one.'''
    global count
    before = engine.get("A").received_ns if "A" in engine else 0
    assert engine.update("A", 1.0 + count, timestamp_ns=0) is True
    single = engine.get("A").received_ns
    assert engine.update_quote("A", 1.0, 2.0) is True
    assert engine.update_many(["A"] * 70, np.ones(70)) == 70
    batch = engine.get("A").received_ns
    assert before <= single <= engine.quote("A").received_ns <= batch
    assert engine.age_s("A") >= 0.0
    count += 72
    m = engine.metrics()
    assert (m.messages_processed, m.errors, m.out_of_order) == (count, 0, 0)
    assert 0.0 <= m.latency.min_us and m.latency.max_us < 60e6, m.latency
    assert m.histogram.sum_ns < 600 * S
    assert 0.0 < m.uptime_s < 600.0 and m.throughput_per_s >= 0.0
    return batch

def until(condition):
    '''Update on and on until it is so of the engine's time minus the wall clock's.'''
    deadline = time.monotonic() + 60.0
    while not condition(taken_ns() - time.time_ns()):
        assert time.monotonic() < deadline, "not so after 60 s"
        time.sleep(0.01)

def is_right(ahead_ns):
    return abs(ahead_ns) < S // 2

until(is_right)
"""

STEP_FORWARD = """
step(3_600 * S)
until(is_right)
assert engine.update("B", 1.0, timestamp_ns=time.time_ns()) is True
"""
STEP_BACK = """
step(-3_600 * S)
until(lambda ahead_ns: ahead_ns > 3_599 * S)      # not followed
first = taken_ns()
time.sleep(2.5)                                   # two corrections
assert S <= taken_ns() - first < 60 * S           # it goes on as time does
with pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024) as younger:
    before = time.time_ns()                       # it never knew the other time
    younger.update("A", 1.0)
    assert before - S // 2 < younger.get("A").received_ns < time.time_ns() + S // 2
step(3_600 * S)
until(is_right)
"""
STEPS_TO_AND_FRO = """
for i in range(40):
    step((-1) ** i * S * 10)
    taken_ns()
    time.sleep(0.07)
until(lambda ahead_ns: -S // 2 < ahead_ns < 11 * S)
"""
DRIFT = """
drift(int(sys.argv[2]))
for _ in range(5):
    time.sleep(0.7)
    taken_ns()
until(is_right)
walls, times = [time.time_ns()], []
for _ in range(2):
    times.append(taken_ns())
    walls.append(time.time_ns())
    time.sleep(1.5)
    walls.append(time.time_ns())
passed = times[1] - times[0]
assert 0.5 * (walls[2] - walls[1]) < passed < walls[3] - walls[0] + S
"""


STEPS = {"forward": STEP_FORWARD, "back": STEP_BACK, "to and fro": STEPS_TO_AND_FRO}
DRIFTS = {"slow": "-500", "fast": "20000"}  # ppm
CASES = {
    **{(name, source): (script,) for name, script in STEPS.items() for source in SOURCES},
    **{(name, source): (DRIFT, ppm) for name, ppm in DRIFTS.items() for source in SOURCES},
}


def run(script, library, source, *arguments):
    preload = f"{os.environ.get('LD_PRELOAD', '')} {library}".strip()
    return run_python(PREPARED + script, str(library), *arguments, LD_PRELOAD=preload, PRICECORE_CLOCK=source)


@pytest.fixture(scope="module")
def runs(odd_clock):
    """Every case, begun at once: most of its time it waits for the next second."""
    with ThreadPoolExecutor(len(CASES)) as pool:
        yield {
            (name, source): pool.submit(run, script, odd_clock, source, *arguments)
            for (name, source), (script, *arguments) in CASES.items()
        }


def check(done):
    assert done.stderr == ""
    assert done.returncode == 0


@linux_only
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("step", STEPS)
def test_engine_is_right_over_steps_of_the_wall_clock(runs, step, source):
    check(runs[step, source].result())


@linux_only
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("drift", DRIFTS)
def test_engine_is_right_when_counter_and_clocks_drift_apart(runs, drift, source):
    check(runs[drift, source].result())


@linux_only
def test_odd_clock_is_odd(odd_clock):
    """Else the tests above could not fail."""
    script = PREPARED + "before = time.time_ns(); step(3_600 * S); assert time.time_ns() - before > 3_599 * S; print(1)"
    done = run_python(script, str(odd_clock), LD_PRELOAD=f"{os.environ.get('LD_PRELOAD', '')} {odd_clock}".strip())
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert ctypes.CDLL(str(odd_clock)).odd_clock_step


KERNELS = [("tsc", True), ("hpet", False), ("acpi_pm", False), ("jiffies", False), ("refined-jiffies", False)]


@pytest.mark.parametrize(("kernel", "trusted"), KERNELS)
def test_counter_that_the_kernel_gave_up_is_not_read(monkeypatch, kernel, trusted):
    monkeypatch.delenv("PRICECORE_CLOCK", raising=False)
    monkeypatch.setattr(Path, "read_text", lambda _: f"{kernel}\n")
    assert clock._kernel_trusts_the_counter() is trusted
    uses, why = clock._choose_source()
    assert trusted or not uses
    assert uses or "counter" in why


def test_counter_is_trusted_where_the_kernel_says_nothing(monkeypatch):
    def missing(_):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert clock._kernel_trusts_the_counter() is True
