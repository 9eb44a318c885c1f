"""An engine at the ends of its ranges: counters and sequences of centuries, the smallest rooms, too many threads."""

import json
import math
import os

import numpy as np
import pytest
from helpers.rooms import native_module
from helpers.stream import PRICE, VOID, names_in, of_kind
from helpers.subprocesses import run_python
from helpers.threads import CORES, run_threads

from pricecore import InvalidUpdateError, PriceEngine, attach
from pricecore.delivery.ring import RingReader

RING = 1_024
LAST_SEQUENCE = 2**61 - 1
SMALLEST = {"max_symbols": 1, "ring_capacity": 1, "latency_window": 1, "pool_buffers": 1}
NAN = math.nan


@pytest.fixture(scope="module")
def native():
    return native_module("limits")


def every_outcome(engine):
    """Let each counter count one, batches with one row."""
    stamp = 1_723_075_200_000_000_000
    assert engine.update("A", 1.0, timestamp_ns=stamp)
    assert not engine.update("A", 1.0, timestamp_ns=stamp - 1)
    with pytest.raises(InvalidUpdateError):
        engine.update("A", NAN)
    assert engine.update_many(["A"], [2.0]) == 1


@pytest.mark.parametrize("start", [2**31 - 1, 2**32 - 1, 2**53, 2**63 - 2, 2**63 - 1, 2**63])
def test_counters_count_on_beyond_every_border(make_engine, native, start):
    engine = make_engine(latency_window=3)
    native.set_counts(engine.segment, 0, start)
    every_outcome(engine)
    m = engine.metrics()
    assert (m.messages_processed, m.out_of_order) == (start + 2, start + 1)
    assert m.errors_by_reason["price_not_finite"] == start + 1
    assert all(count >= start for count in m.errors_by_reason.values())
    assert m.messages_received == m.messages_processed + m.out_of_order + m.errors
    assert m.histogram.count == 2
    assert 0 <= m.histogram.sum_ns - start < 10**12
    assert m.latency.sample_count == 3
    assert 0.0 < m.error_rate < 1.0
    assert math.isfinite(m.batch_us)
    assert json.loads(json.dumps(m.as_dict()))["messages_processed"] == start + 2
    engine.reset_stats()
    every_outcome(engine)
    again = engine.metrics()
    assert (again.messages_processed, again.out_of_order, again.errors) == (2, 1, 1)
    assert again.histogram.sum_ns < 10**12


def test_counters_of_two_handles_add_up_beyond_two_to_the_63(make_engine, native):
    engine = make_engine()
    with engine.writer() as writer:
        writer.update("A", 1.0)
        for handle in (0, 1):
            native.set_counts(engine.segment, handle, 2**62 + 5)
        every_outcome(engine)
        every_outcome(writer)
        m = engine.metrics()
    assert (m.messages_processed, m.out_of_order) == (2**63 + 14, 2**63 + 12)


def test_sum_of_the_histogram_wraps_at_two_to_the_64_and_counts_stay_right(engine, native):
    native.set_counts(engine.segment, 0, 2**64 - 1)
    engine.reset_stats()
    engine._record_latency(2**64 - 1)
    engine._record_latency(3)
    m = engine.metrics()
    assert (m.messages_processed, m.histogram.count, m.histogram.sum_ns) == (2, 2, 2)
    assert m.latency.min_us == 0.003


def updates_of_every_kind(engine, before):
    """Publish 600 records behind the sequence `before`; return how many."""
    for i in range(100):
        assert engine.update("A", 1.0 + i)
        assert engine.get("A").sequence == before + 2 * i + 1
        assert engine.update_quote("A", 1.0 + i, 2.0 + i)
        assert engine.quote("A").sequence == before + 2 * i + 2
    assert engine.update_many(["A"] * 400, np.arange(1.0, 401.0)) == 400
    assert engine.get("A")[-1] == engine.get("A").sequence == before + 600
    return 600


@pytest.mark.parametrize("border", [2**31, 2**32, 2**53, 2**60, LAST_SEQUENCE])
def test_sequences_go_on_over_every_border_up_to_the_last(make_engine, native, border):
    engine = make_engine()
    engine.register("A")
    before = last = border - 1_800 if border == LAST_SEQUENCE else border - 900
    native.set_sequence(engine.segment, last)
    reader, held = RingReader(engine.segment, last + 1), engine.consumer("log")
    with engine.subscribe(mode="all") as subscription:
        for _ in range(3):
            last += updates_of_every_kind(engine, last)
            for read in (reader.read, held.read, subscription.poll):
                records = read(RING)
                assert records["sequence"].tolist() == list(range(last - 599, last + 1))
                assert of_kind(records, PRICE)["price"][-1] == 400.0
    assert engine.metrics().ring.sequence == last == before + 1_800
    assert engine.quote("A").sequence == last - 400


def test_late_rows_and_full_rings_are_right_at_the_last_sequences(make_engine, native):
    engine = make_engine()
    engine.register("A")
    native.set_sequence(engine.segment, LAST_SEQUENCE - RING)
    consumer = engine.consumer("log", full="raise")
    times = np.full(RING, 1_723_075_200_000_000_000)
    times[1::2] -= 1
    assert engine.update_many(["A"] * RING, np.ones(RING), None, times) == RING // 2
    assert engine.update_many(["A"] * 64, np.ones(64)) == 0
    records = consumer.read(2 * RING)
    assert records["sequence"].tolist() == list(range(LAST_SEQUENCE - RING + 1, LAST_SEQUENCE + 1))
    assert (records["kind"] == VOID).sum() == RING // 2
    assert engine.metrics().errors_by_reason == {"ring_full": 64}


def test_segment_with_a_sequence_of_centuries_is_taken_over(tmp_path, monkeypatch, native):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    last = 2**60 - 2_000
    options = {"max_symbols": 1_024, "ring_capacity": RING, "latency_window": 10, "pool_buffers": 1}
    with PriceEngine("md", **options) as engine:
        engine.update("A", 1.0)
        native.set_sequence(engine.segment, last)
        engine.update("A", 2.0)
    with PriceEngine("md", **options) as engine, attach("md") as view:
        assert (engine.price("A"), engine.metrics().ring.sequence) == (2.0, last + 1)
        assert updates_of_every_kind(engine, last + 1) == 600
        assert view.get("A").sequence == last + 601


def write_every_way(writer, symbol, rounds):
    for i in range(rounds):
        assert writer.update(symbol, 1.0 + i)
        assert writer.update_quote(symbol, 1.0, 2.0)
        assert writer.update_many([symbol] * 130, np.ones(130)) == 130


def test_engine_of_the_smallest_rooms_is_right_with_more_threads_than_cores(make_engine):
    engine = make_engine(**SMALLEST)
    threads, rounds = min(2 * CORES + 1, 33), 20

    def body(index):
        if index % 2:
            write_every_way(engine, f"S{index}", rounds)
        else:
            with engine.writer() as writer:
                write_every_way(writer, f"S{index}", rounds)

    run_threads(threads, body)
    m = engine.metrics()
    assert m.messages_received == m.messages_processed == m.histogram.count == threads * rounds * 132
    assert (m.errors, m.symbols, m.ring.capacity) == (0, threads, RING)
    assert m.ring.sequence == threads * (rounds * 132 + 1)
    assert 1 <= m.latency.sample_count <= threads
    assert {engine.price(f"S{i}") for i in range(threads)} == {1.0}
    records = RingReader(engine.segment, m.ring.sequence - RING + 1).read(2 * RING)
    assert records["sequence"].tolist() == list(range(m.ring.sequence - RING + 1, m.ring.sequence + 1))


def test_batch_of_many_laps_of_the_smallest_ring_is_held_by_its_consumer(make_engine):
    engine = make_engine(**SMALLEST)
    consumer = engine.consumer("log", full_timeout_s=60.0)
    rows = 20 * RING
    engine.register("A")
    seen = []

    def body(index):
        if index == 0:
            return engine.update_many(["A"] * rows, np.arange(1.0, rows + 1))
        while len(seen) < rows + 1:
            seen.extend(consumer.read(100)["sequence"].tolist())
        return len(seen)

    assert run_threads(2, body) == [rows, rows + 1]
    assert seen == list(range(1, rows + 2))


ON_ONE_CORE = """
import os, threading
import numpy as np
import pricecore
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
engine = pricecore.PriceEngine(max_symbols=1, ring_capacity=1, latency_window=1)
barrier = threading.Barrier(12)
consumer = engine.consumer("log", full_timeout_s=100.0)
subscription = engine.subscribe(mode="all")
each, writers = 4_000, 10
taken, errors = [0], []

def write(index):
    for i in range(each // 1_000):
        for k in range(800):
            engine.update(f"S{index}", 1.0 + k)
        engine.update_many([f"S{index}"] * 200, np.ones(200))

def take():
    while taken[0] < writers * each + writers:
        taken[0] += len(consumer.read(1_000))

def follow():
    while subscription.next_sequence <= writers * each + writers:
        subscription.poll(1_000, timeout_s=0.1)

def run(target, *arguments):
    try:
        barrier.wait()
        target(*arguments)
    except BaseException as error:
        errors.append(repr(error))

jobs = [(write, i) for i in range(writers)] + [(take,), (follow,)]
threads = [threading.Thread(target=run, args=job) for job in jobs]
for thread in threads: thread.start()
for thread in threads: thread.join()
m = engine.metrics()
print(errors, m.messages_processed, m.errors, taken[0], m.ring.sequence)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no threads")
def test_twelve_threads_on_one_core_lose_nothing_and_nobody_hangs():
    done = run_python(ON_ONE_CORE)
    assert done.stderr == ""
    assert done.stdout.split() == ["[]", "40000", "0", "40010", "40010"]


def test_symbols_of_threads_beyond_the_smallest_table_are_refused_and_the_others_stand(make_engine):
    engine = make_engine(**SMALLEST)
    names = [f"S{i}" for i in range(1_030)]
    assert engine.update_many(names, np.ones(1_030)) == 1_024
    assert engine.metrics().errors == 6
    assert engine.symbols() == names[:1_024]
    assert names_in(RingReader(engine.segment, 1_025).read(RING)) == {}
