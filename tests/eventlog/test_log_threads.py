"""The log of an engine between threads: writers, waiters, marks, snapshots, rotation, and close at any moment.

`ci/sanitize thread` runs this on a build for the thread sanitizer, too.
"""

import asyncio
import itertools
import threading
import time

import numpy as np
import pytest
from helpers.logs import read_back
from helpers.threads import run_threads

from pricecore import EngineClosedError, EventLog, LogOptions, PriceEngine

ROWS = 64
SMALL = {"max_symbols": 1_024, "ring_capacity": 4_096, "latency_window": 10, "pool_buffers": 4}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


def options(folder, **more):
    return LogOptions(folder, **({"snapshot_records": None, "commit_interval_s": 0.0001} | more))


def check(folder, last):
    """Every record is there once, in order, and says of itself what it should."""
    found = read_back(folder)
    missing = [s for gap in found.gaps for s in range(gap.first_sequence, gap.last_sequence + 1)]
    assert sorted(found.sequences() + missing) == list(range(1, last + 1))
    trades = found.records[found.records["kind"] == 0]
    assert (trades["volume"] == 2 * trades["price"]).all()
    return found


def singles(engine, symbol, count):
    writer = engine.writer()
    for k in range(1, count + 1):
        writer.update(symbol, float(k), volume=2.0 * k)


def batches(engine, symbol, count):
    ids = np.repeat(engine.register([symbol]), ROWS)
    for k in range(1, count + 1):
        prices = np.arange(k, k + ROWS, dtype=float)
        assert engine.update_many(ids, prices, 2 * prices) == ROWS


@pytest.mark.parametrize("durability", ["memory", "os", "disk"])
def test_records_of_many_threads_are_all_in_the_log(folder, durability):
    with PriceEngine(log=options(folder, durability=durability, rotate_bytes=65_536), **SMALL) as engine:
        jobs = [
            lambda: singles(engine, "A", 1_500),
            lambda: singles(engine, "B", 1_500),
            lambda: batches(engine, "C", 60),
            lambda: batches(engine, "D", 60),
        ]
        run_threads(len(jobs), lambda i: jobs[i]())
        last = engine.metrics().ring.sequence
        assert engine.log.wait_durable(timeout_s=60)
    assert last == 4 + 3_000 + 2 * 60 * ROWS
    check(folder, last)


def test_a_record_that_is_durable_can_be_read_by_whoever_waited_for_it(folder):
    def work(engine, i):
        for k in range(60):
            engine.update(f"S{i}", 1.0 + k, volume=2.0 + 2 * k)
            sequence = engine.get(f"S{i}").sequence
            assert engine.log.wait_durable(sequence, timeout_s=60)
            assert engine.log.durable_sequence >= sequence
            assert engine.log.written_sequence >= sequence
            if k % 20 == 0:
                with EventLog.open(folder) as log:
                    assert log.last_sequence >= sequence

    with PriceEngine(log=options(folder), **SMALL) as engine:
        run_threads(4, lambda i: work(engine, i))


def test_loops_and_threads_wait_beside_writers(folder):
    def in_a_loop(engine):
        async def one(k):
            engine.update("L", 1.0 + k, volume=2.0 + 2 * k)
            return await engine.log.durable(engine.get("L").sequence, timeout_s=60)

        async def run():
            for _ in range(5):
                assert all(await asyncio.gather(*(one(k) for k in range(10))))

        asyncio.run(run())

    def in_a_thread(engine):
        for k in range(50):
            engine.update("T", 1.0 + k, volume=2.0 + 2 * k)
            assert engine.log.wait_durable(timeout_s=60)

    with PriceEngine(log=options(folder), **SMALL) as engine:
        jobs = [in_a_loop, in_a_loop, in_a_thread, in_a_thread, lambda engine: batches(engine, "B", 100)]
        run_threads(len(jobs), lambda i: jobs[i](engine))
        last = engine.metrics().ring.sequence
    check(folder, last)


@pytest.mark.parametrize("durability", ["memory", "os"])
def test_marks_stand_behind_the_last_record_before_them(folder, durability):
    """One thread writes and marks; others write into other engines' time: a mark names its own sequence exactly."""
    with PriceEngine(log=options(folder, durability=durability, rotate_bytes=65_536), **SMALL) as engine:
        ids = np.repeat(engine.register(["A"]), 50)
        stop = threading.Event()

        def mark():
            for k in range(400):
                prices = np.arange(1.0, 51.0)
                engine.update_many(ids, prices, 2 * prices)
                engine.log.mark(b"%d" % engine.metrics().ring.sequence)
                if k % 7 == 0:
                    engine.log.wait_durable(timeout_s=60)
            stop.set()

        def look():
            while not stop.is_set():
                position, sequence = engine.log._settled()
                assert int(position or 0) <= sequence
                engine.log.stats()

        jobs = [mark, look, look]
        run_threads(3, lambda i: jobs[i]())
        last = engine.metrics().ring.sequence
    found = check(folder, last)
    assert len(found.positions) > 10
    assert [sequence for sequence, _ in found.positions] == [int(position) for _, position in found.positions]


def test_snapshots_beside_writers_rotation_and_each_other(folder):
    def write(engine):
        for k in itertools.count(1):
            engine.update(f"S{k % 50}", float(k), volume=2.0 * k)
            if stop.is_set():
                return

    def snap(engine):
        taken = [engine.log.snapshot() for _ in range(4)]
        assert taken == sorted(taken)
        stop.set()

    stop = threading.Event()
    with PriceEngine(log=options(folder, rotate_bytes=1 << 20, snapshot_records=20_000), **SMALL) as engine:
        jobs = [write, write, snap, snap]
        run_threads(len(jobs), lambda i: jobs[i](engine))
        prices, last = engine.snapshot(), engine.metrics().ring.sequence
    check(folder, last)
    with PriceEngine(log=options(folder), **SMALL) as engine:
        assert engine.snapshot().tobytes() == prices.tobytes()


@pytest.mark.parametrize("durability", ["memory", "os"])
@pytest.mark.parametrize("full", ["wait", "skip"])
def test_a_log_that_is_slower_than_its_writers_tells_exactly_what_it_lacks(folder, full, durability):
    small = SMALL | {"ring_capacity": 1_024}
    with PriceEngine(log=options(folder, full=full, durability=durability), **small) as engine:
        run_threads(2, lambda i: batches(engine, f"S{i}", 700))
        last = engine.metrics().ring.sequence
        engine.log.wait_durable(timeout_s=60)
        gap_records = engine.log.stats().gap_records
    found = check(folder, last)
    assert sum(gap.last_sequence - gap.first_sequence + 1 for gap in found.gaps) == gap_records
    assert full == "skip" or gap_records == 0
    assert all(gap.reason == 1 for gap in found.gaps)


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.005, 0.02])
def test_close_at_any_moment_leaves_every_record_that_was_taken(folder, delay_s):
    engine = PriceEngine(log=options(folder, rotate_bytes=65_536, snapshot_records=500), **SMALL)
    stored = [0, 0]

    def write(i):
        try:
            for k in itertools.count(1):
                engine.update(f"W{i}", float(k), volume=2.0 * k)
                stored[i] = k
        except EngineClosedError:
            return

    def wait():
        try:
            while True:
                engine.log.wait_durable(timeout_s=60)
                engine.log.mark(b"here")
                engine.log.snapshot()
                engine.log.stats()
        except EngineClosedError:
            return

    def close():
        time.sleep(delay_s)
        engine.close()
        assert engine.log.closed
        PriceEngine(log=options(folder), **SMALL).close()  # it is free

    jobs = [lambda: write(0), lambda: write(1), wait, close]
    run_threads(len(jobs), lambda i: jobs[i]())
    check(folder, EventLog.open(folder).last_sequence)
    with PriceEngine(log=options(folder), **SMALL) as again:
        for i, last in enumerate(stored):
            assert not last or again.price(f"W{i}") >= last


def test_many_threads_close_at_once_and_each_returns_when_all_is_over(folder):
    for _ in range(5):
        engine = PriceEngine(log=options(folder), **SMALL)
        batches(engine, "A", 20)

        def close(_, engine=engine):
            engine.close()
            assert engine.log.closed
            assert engine.log.durable_sequence == engine.log.written_sequence == engine.log.synced_sequence

        run_threads(4, close)
    assert len(EventLog.open(folder)) == 1 + 5 * 20 * ROWS


def test_dropped_engines_end_their_threads_whatever_they_are_about(folder):
    def drop(i):
        for k in range(5):
            engine = PriceEngine(log=options(folder.with_name(f"log{i}"), snapshot_records=100), **SMALL)
            batches(engine, "A", 5 * k)
            del engine

    run_threads(3, drop)
    for i in range(3):
        assert len(EventLog.open(folder.with_name(f"log{i}"))) == 1 + ROWS * 50
