"""The clock in a simulated machine: a counter that drifts, a steady clock, a wall clock that is stepped."""

import json
import random

import pytest
from helpers.rooms import native_module
from helpers.subprocesses import run_python
from helpers.threads import run_threads
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore.primitives import clock as clock_module
from pricecore.primitives.clock import _TestClock

MS = 1_000_000
S = 1_000_000_000
HOUR = 3_600 * S
NS_PER_TICK = 0.4  # a counter of 2.5 GHz
START = 1_700_000_000 * S


class Machine:
    """Three clocks that go on together; drift is the counter's error in ppm of its rate."""

    def __init__(self, drift_ppm=0.0, calibrated_ppm=0.0):
        self.tick, self.steady_ns, self.wall_ns = 5_000_000_000, 7 * S, START
        self.drift_ppm = drift_ppm
        believed = NS_PER_TICK * (1 + calibrated_ppm / 1e6)
        self.clock = _TestClock(self.tick, self.steady_ns, self.wall_ns, believed)

    def advance(self, ns):
        self.tick += round(ns / (NS_PER_TICK * (1 + self.drift_ppm / 1e6)))
        self.steady_ns += ns
        self.wall_ns += ns

    def step(self, ns):
        self.wall_ns += ns

    def sample(self, jitter_ns=0):
        """What the keeper reads: the wall clock a little after the steady one."""
        return self.tick, self.steady_ns, self.wall_ns + jitter_ns

    def correct(self, jitter_ns=0):
        self.clock.correct(*self.sample(jitter_ns))

    def read(self):
        return self.clock.read(self.tick)

    @property
    def error_ns(self):
        return self.read() - self.wall_ns


seconds = st.lists(
    st.fixed_dictionaries(
        {
            "gap_ns": st.sampled_from([0, 1, 1_000, 10 * MS, 199 * MS, 200 * MS, S, S, S, 10 * S, HOUR]),
            "drift_ppm": st.floats(-100, 100),
            "step_ns": st.sampled_from([0, 0, 0, 1, -1, 50_000, -50_000, S, -S, HOUR, -HOUR]),
            "jitter_ns": st.integers(0, 50_000),
            "late_ns": st.integers(0, 90 * MS),
        }
    ),
    max_size=30,
)


@settings(deadline=None)
@given(seconds, st.floats(-100, 100))
def test_a_thread_never_reads_an_earlier_time(events, calibrated_ppm):
    machine = Machine(calibrated_ppm=calibrated_ppm)
    readings = [machine.read()]
    for event in events:
        machine.drift_ppm = event["drift_ppm"]
        machine.step(event["step_ns"])
        machine.advance(event["gap_ns"] // 2)
        readings.append(machine.read())
        machine.advance(event["gap_ns"] - event["gap_ns"] // 2)
        taken_before = machine.tick
        readings.append(machine.read())
        sample = machine.sample(event["jitter_ns"])
        machine.advance(event["late_ns"])  # the keeper loses the core between sample and publication
        readings.append(machine.read())
        machine.clock.correct(*sample)
        readings.append(machine.read())
        assert machine.clock.read(taken_before) >= readings[-3]
    assert readings == sorted(readings)


@pytest.mark.parametrize("seed", range(2))
def test_it_stays_within_a_millisecond_of_the_wall_clock_for_a_day(seed):
    chance = random.Random(seed)
    machine = Machine(drift_ppm=chance.uniform(-100, 100), calibrated_ppm=chance.uniform(-25, 25))
    worst = 0
    for _ in range(24 * 3600):
        machine.drift_ppm = min(100.0, max(-100.0, machine.drift_ppm + chance.gauss(0, 5)))
        machine.advance(S + round(chance.gauss(0, MS)))
        worst = max(worst, abs(machine.error_ns))
        machine.correct(jitter_ns=round(chance.expovariate(1 / 2_000)))
        worst = max(worst, abs(machine.error_ns))
    assert worst < MS


@pytest.mark.parametrize("step_ns", [1, 1_000, MS, S, HOUR, 400 * 24 * HOUR])
def test_a_step_forward_is_followed_at_the_next_correction(step_ns):
    machine = Machine()
    machine.advance(S)
    machine.correct()
    machine.step(step_ns)
    machine.advance(S)
    assert machine.error_ns == pytest.approx(-step_ns, abs=10)
    machine.correct()
    assert machine.error_ns == pytest.approx(0, abs=10)


@pytest.mark.parametrize("step_ns", [1_000, MS, S, HOUR])
def test_a_step_back_is_not_followed(step_ns):
    machine = Machine()
    machine.step(-step_ns)
    for _ in range(100):
        machine.advance(S)
        machine.correct()
    assert machine.error_ns == pytest.approx(step_ns, abs=200)


def test_after_a_step_back_only_steps_beyond_it_are_followed():
    machine = Machine()
    for step_ns, expected in [(-10 * MS, 10 * MS), (9 * MS, MS), (3 * MS, 0)]:
        machine.step(step_ns)
        machine.advance(S)
        machine.correct()
        assert machine.error_ns == pytest.approx(expected, abs=200)


def test_a_clock_that_is_ahead_goes_slower_until_it_is_right():
    machine = Machine(calibrated_ppm=100)
    machine.advance(S)
    ahead_ns = machine.error_ns
    assert ahead_ns == pytest.approx(100_000, rel=0.01)
    errors = []
    for _ in range(6):
        machine.correct()
        machine.advance(S)
        errors.append(machine.error_ns)
    assert all(0 <= error <= ahead_ns for error in errors)
    assert errors[-1] < 100


def test_a_slow_counter_is_put_right_at_once():
    machine = Machine(calibrated_ppm=-100)
    machine.advance(S)
    assert machine.error_ns == pytest.approx(-100_000, rel=0.01)
    machine.correct()
    assert abs(machine.error_ns) < 10


def test_a_tick_from_before_the_correction_reads_as_its_moment():
    machine = Machine()
    early = machine.tick
    machine.advance(S)
    machine.correct()
    assert machine.clock.read(early) == machine.clock.read(machine.tick) == machine.clock.read(0)


def test_a_day_without_a_correction_is_read_without_overflow():
    machine = Machine()
    machine.advance(24 * HOUR)
    assert abs(machine.error_ns) < 100_000
    machine.correct()
    assert abs(machine.error_ns) < 10


def test_a_counter_that_stood_still_or_was_reset_keeps_the_last_rate():
    machine = Machine()
    machine.correct()
    machine.correct()  # the same tick once more
    machine.steady_ns += S
    machine.wall_ns += S
    machine.tick = 1_000  # a machine that slept
    machine.correct()
    assert machine.error_ns == 0
    machine.advance(S)
    assert abs(machine.error_ns) < 10


def test_corrections_shorter_than_the_baseline_do_not_change_the_rate():
    machine = Machine()
    for _ in range(50):
        machine.advance(MS)
        machine.correct(jitter_ns=0)
    machine.clock.correct(machine.tick, machine.steady_ns + 1_000, machine.wall_ns + 1_000)  # 1 us off in 1 ms
    machine.advance(S)
    assert abs(machine.error_ns) < 2_000


def test_a_reading_is_never_torn_by_a_correction():
    clock = native_module("rooms").SharedClock()
    beyond = 4_000_000 * S
    results = run_threads(3, lambda i: clock.read_many(beyond) if i else clock.correct_many(300_000, 2))
    assert results[1:] == [0, 0]


def test_describe_says_which_clock_and_why():
    figures = clock_module.describe()
    assert figures["source"] in ("counter", "clock_gettime")
    assert figures["reason"]
    assert 0.0 <= figures["ns_per_tick"] < 1_000.0


WHOLE_ENGINE = """
import json, time
import numpy as np
import pricecore
from pricecore.primitives.clock import describe
before = time.time_ns()
with pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024) as engine:
    engine.update("A", 1.0)
    engine.update_quote("A", 1.0, 2.0)
    engine.update_many(engine.register(["A", "B"] * 64), np.arange(128) + 1.0)
    got = engine.get("A")
    time.sleep(1.2)   # one correction
    engine.update("A", 2.0)
    later = engine.get("A")
    m = engine.metrics()
    print(json.dumps({**describe(), "delays": [got.received_ns - before, later.received_ns - got.received_ns],
                      "age": engine.age_s("A"), "latency": m.latency.p50_us, "processed": m.messages_processed}))
"""


def test_the_whole_engine_works_on_clock_gettime():
    done = run_python(WHOLE_ENGINE, PRICECORE_CLOCK="monotonic")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["source"], figures["reason"]) == ("clock_gettime", "PRICECORE_CLOCK=monotonic")
    assert figures["ns_per_tick"] == 1.0
    assert figures["processed"] == 131
    assert figures["latency"] > 0
    assert 0 <= figures["delays"][0] < 60 * S
    assert 1.2 * S - MS <= figures["delays"][1] < 60 * S
    assert 0 <= figures["age"] < 60


@pytest.mark.parametrize("value", ["", "tsc", "Monotonic"])
def test_an_unknown_clock_is_refused_with_the_words_that_are_known(value):
    done = run_python("import pricecore", PRICECORE_CLOCK=value)
    assert done.returncode == 1
    assert f"ValueError: PRICECORE_CLOCK is {value!r}; it must be 'auto' or 'monotonic'" in done.stderr
