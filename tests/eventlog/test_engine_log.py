"""The log of an engine: every record is in it, once, in order; what it says of itself is true."""

import asyncio
import threading

import numpy as np
import pytest
from helpers.logs import files_of, read_back

import pricecore
from pricecore import EngineClosedError, LogOptions, PriceEngine


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


def options(folder, **more):
    return LogOptions(folder, snapshot_records=None, **more)


def test_every_record_of_an_engine_is_in_its_log_as_the_ring_held_it(folder):
    with PriceEngine(log=options(folder)) as engine, engine.consumer("beside", full="skip") as beside:
        for k in range(500):
            engine.update(f"S{k % 7}", 1.0 + k, volume=0.5, timestamp_ns=10**18 + k, change_24h=0.1)
            engine.update_quote(f"S{k % 5}", 1.0 + k, 2.0 + k, 3.0, 4.0)
        expected = beside.read(100_000)
    assert read_back(folder).records.tobytes() == expected.tobytes()


def test_rows_out_of_order_leave_void_in_the_log_so_that_no_sequence_is_missing(folder):
    with PriceEngine(log=options(folder)) as engine:
        engine.update("A", 1.0, timestamp_ns=10**18 + 5)
        rows = engine.update_many(["A"] * 200, np.full(200, 2.0), timestamps_ns=np.arange(10**18, 10**18 + 200))
        assert rows == 195
    records = read_back(folder).records
    assert records["sequence"].tolist() == list(range(1, len(records) + 1))
    assert (records["kind"] == 255).sum() == 5


@pytest.mark.parametrize("durability", ["memory", "os", "disk"])
def test_records_are_durable_at_every_level_and_all_there_after_close(folder, durability):
    with PriceEngine(log=options(folder, durability=durability)) as engine:
        for k in range(100):
            engine.update("A", 1.0 + k)
        assert engine.log.wait_durable(timeout_s=10)
        assert engine.log.durable_sequence == 101
        if durability != "memory":
            assert read_back(folder).sequences() == list(range(1, 102))
        if durability == "disk":
            assert engine.log.synced_sequence == 101
    assert read_back(folder).sequences() == list(range(1, 102))


def test_memory_keeps_to_itself_what_came_for_a_second_at_most(folder):
    with PriceEngine(log=options(folder, durability="memory")) as engine:
        engine.update("A", 1.0)
        assert engine.log.wait_durable(timeout_s=5)
        assert read_back(folder).sequences() == []
        deadline = threading.Event()
        for _ in range(60):
            if engine.log.written_sequence == 2:
                break
            deadline.wait(0.05)
        assert read_back(folder).sequences() == [1, 2]


def test_a_wait_for_a_record_that_does_not_come_ends_in_time(folder):
    with PriceEngine(log=options(folder)) as engine:
        assert engine.log.wait_durable(timeout_s=0)
        assert not engine.log.wait_durable(5, timeout_s=0.05)


def test_a_wait_ends_with_the_record_of_another_thread(folder):
    with PriceEngine(log=options(folder)) as engine:
        found = []
        thread = threading.Thread(target=lambda: found.append(engine.log.wait_durable(2, timeout_s=20)))
        thread.start()
        engine.update("A", 1.0)
        thread.join()
        assert found == [True]


def test_a_wait_for_what_never_came_ends_with_an_error_when_the_engine_is_closed(folder):
    engine = PriceEngine(log=options(folder))
    errors = []

    def wait():
        try:
            engine.log.wait_durable(99)
        except EngineClosedError as error:
            errors.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    engine.close()
    thread.join(20)
    assert errors == ["the engine was closed, and its log with it"]


def test_many_tasks_await_durable_records_in_one_loop(folder):
    async def run(engine):
        async def one(k):
            engine.update("A", 1.0 + k)
            return await engine.log.durable(timeout_s=20)

        return await asyncio.gather(*(one(k) for k in range(50)))

    with PriceEngine(log=options(folder)) as engine:
        assert asyncio.run(run(engine)) == [True] * 50
        assert asyncio.run(run(engine)) == [True] * 50
        assert asyncio.run(engine.log.durable(10_000, timeout_s=0.05)) is False


def test_loops_of_many_threads_await_the_same_log(folder):
    with PriceEngine(log=options(folder)) as engine:
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(asyncio.run(engine.log.durable(2, timeout_s=30))))
            for _ in range(12)  # more than there are bells
        ]
        for thread in threads:
            thread.start()
        engine.update("A", 1.0)
        for thread in threads:
            thread.join()
        assert found == [True] * 12


def test_files_follow_each_other_and_each_knows_the_symbols_before_it(folder):
    with PriceEngine(log=options(folder, rotate_bytes=65_536)) as engine:
        for k in range(4_000):
            engine.update(f"S{k // 100}", 1.0 + k)
            if k % 500 == 0:
                engine.log.wait_durable()
    found = read_back(folder)
    assert found.sequences() == list(range(1, 4_041))
    assert len(found.heads) >= 3
    for head in found.heads:
        before = found.records[found.records["sequence"] < head["first_sequence"]]
        assert len(head["names"]) == (before["kind"] == 2).sum()
        assert head["names"] == [f"S{k}" for k in range(len(head["names"]))]


def test_a_file_is_closed_at_its_age_when_something_was_written(folder):
    with PriceEngine(log=options(folder, rotate_s=0.02)) as engine:
        for k in range(3):
            engine.update("A", 1.0 + k)
            engine.log.wait_durable()
            threading.Event().wait(0.1)
        written = len(files_of(folder))
        threading.Event().wait(0.1)
        assert len(files_of(folder)) == written, "nothing came, so no new file"
    assert written == 4
    assert read_back(folder).sequences() == [1, 2, 3, 4]


def test_a_mark_stands_behind_the_last_record_before_it(folder):
    with PriceEngine(log=options(folder)) as engine:
        marks = []
        for k in range(300):
            engine.update("A", 1.0 + k)
            if k % 10 == 0:
                engine.log.mark(b"line %d" % k)
                engine.log.wait_durable()
                marks.append((k + 2, b"line %d" % k))
        engine.log.mark(b"end")
    found = read_back(folder)
    assert [place for place in found.positions if place in marks] == marks
    assert found.positions[-1] == (301, b"end")


def test_of_marks_that_come_at_once_the_last_one_counts(folder):
    with PriceEngine(log=options(folder)) as engine:
        engine.update("A", 1.0)
        for k in range(100):
            engine.log.mark(b"%d" % k)
        assert engine.log.source_position == b"99"
    assert read_back(folder).positions[-1] == (2, b"99")


def test_marks_of_a_busy_engine_never_name_records_behind_them(folder):
    with PriceEngine(log=options(folder)) as engine:
        ids = engine.register([f"S{k}" for k in range(100)])
        for k in range(200):
            engine.update_many(ids, np.full(100, 1.0 + k))
            engine.log.mark(b"%d" % (100 + 100 * (k + 1)))
    for sequence, position in read_back(folder).positions:
        assert sequence == int(position)


@pytest.mark.parametrize("position", ["text", 5, None])
def test_a_mark_that_is_no_bytes_is_refused(folder, position):
    with PriceEngine(log=options(folder)) as engine, pytest.raises(TypeError, match="a source position is bytes"):
        engine.log.mark(position)


@pytest.mark.parametrize("length", [0, 4_097])
def test_a_mark_that_is_too_short_or_long_is_refused(folder, length):
    with PriceEngine(log=options(folder)) as engine, pytest.raises(ValueError, match=rf"1 to 4,096 bytes.* {length}"):
        engine.log.mark(bytes(length))


def test_the_longest_mark_is_written(folder):
    with PriceEngine(log=options(folder)) as engine:
        engine.update("A", 1.0)
        engine.log.mark(b"x" * 4_096)
    assert read_back(folder).positions[-1] == (2, b"x" * 4_096)


def test_the_figures_of_a_log_are_those_of_its_files(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    with PriceEngine("pc-log-figures", log=options(folder)) as engine:
        for k in range(100):
            engine.update("A", 1.0 + k)
        engine.log.wait_durable()
        found = engine.metrics().log
        assert found == engine.log.stats()
        assert (found.written_sequence, found.durable_sequence, found.backlog, found.gap_records) == (101, 101, 0, 0)
        assert found.bytes_written == sum(path.stat().st_size for path in files_of(folder))
        assert found.commit.sample_count == found.blocks > 0
        assert (found.path, found.durability, found.error, found.live_file) == (str(folder), "os", None, 1)
        assert pricecore.attach("pc-log-figures").segment.figures()["log_durable_sequence"] == 101
        assert engine.metrics().as_dict()["log"]["commit"]["sample_count"] == found.blocks
    assert engine.log.closed


def test_an_engine_without_a_log_has_none():
    with PriceEngine() as engine:
        assert engine.log is None
        assert engine.metrics().log is None


def test_a_full_ring_waits_for_the_log_and_nothing_is_lost(folder):
    with PriceEngine(ring_capacity=1_024, log=options(folder)) as engine:
        ids = engine.register([f"S{k}" for k in range(1_000)])
        for k in range(300):
            assert engine.update_many(ids, np.full(1_000, 1.0 + k)) == 1_000
    assert read_back(folder).sequences() == list(range(1, 301_001))


def test_with_skip_updates_go_on_and_the_gap_is_exact(folder):
    with PriceEngine(ring_capacity=1_024, log=options(folder, full="skip")) as engine:
        ids = engine.register([f"S{k}" for k in range(1_000)])
        for k in range(3_000):
            engine.update_many(ids, np.full(1_000, 1.0 + k))
        last = engine.metrics().ring.sequence
        gap_records = engine.log.stats().gap_records
    found = read_back(folder)
    missing = [s for gap in found.gaps for s in range(gap.first_sequence, gap.last_sequence + 1)]
    assert len(missing) >= gap_records
    assert sorted(found.sequences() + missing) == list(range(1, last + 1))
    assert all(gap.reason == 1 for gap in found.gaps)


def test_a_log_takes_part_of_what_its_thread_is_behind(folder):
    with PriceEngine(log=options(folder)) as engine:
        assert dict(engine.metrics().ring.consumers).keys() == {"log"}
        with pytest.raises(ValueError, match="a consumer of this name is registered"):
            engine.consumer("log")


def test_a_dropped_engine_writes_all_it_has(folder):
    engine = PriceEngine(log=options(folder))
    for k in range(1_000):
        engine.update("A", 1.0 + k)
    del engine
    assert read_back(folder).sequences() == list(range(1, 1_002))
