"""An engine comes back with what its log holds, whatever became of the snapshots and of the process meanwhile."""

import logging
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.recorded import VOID, day, ring_of, stream

from pricecore import EventLog, LogOptions, PriceEngine, attach
from pricecore.errors import LogCorruptError, SegmentError, SymbolTableFullError
from pricecore.eventlog.restoring import restore_segment
from pricecore.primitives.named_segment import write_segment

NAMES = [f"VENUE:{i}" for i in range(40)]
SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def _segments(monkeypatch, caplog):
    caplog.set_level(logging.WARNING, "pricecore")
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as name:
        monkeypatch.setenv("PRICECORE_SHM_DIR", name)
        yield


def options(folder, **more):
    return LogOptions(folder, snapshot_records=None, **more)


@pytest.fixture
def written(tmp_path):
    """A log with two snapshots and a tail; the engine that wrote it is closed. Returns its snapshot and its ring."""
    with PriceEngine(log=options(tmp_path, rotate_bytes=100_000), ring_capacity=1024) as engine:
        for seed in range(3):
            day(engine, NAMES, 800, seed)
            if seed < 2:
                engine.log.snapshot()
        return engine.snapshot(), ring_of(engine), engine.symbols()


def matches(engine, written):
    return (engine.snapshot().tobytes(), ring_of(engine), engine.symbols()) == (written[0].tobytes(), *written[1:])


def test_engine_comes_back_with_prices_symbols_sequence_and_ring(tmp_path, written):
    assert VOID in dict(written[1]).values()
    with PriceEngine(log=options(tmp_path), ring_capacity=1024) as engine:
        assert matches(engine, written)
        engine.update("VENUE:new", 1.0)
        assert engine.get("VENUE:new").sequence == written[1][-1][0] + 2


@pytest.mark.parametrize("behind", [0, 1, 500])
def test_ring_holds_its_last_lap_again_also_what_came_before_the_snapshot(tmp_path, behind):
    with PriceEngine(log=options(tmp_path), ring_capacity=1024) as engine:
        day(engine, NAMES, 800)
        engine.log.snapshot()
        for i in range(behind):
            engine.update(NAMES[0], float(i + 1))
        before = engine.segment.view()[engine.segment.describe()["ring"] :].tobytes()
    with PriceEngine(log=options(tmp_path), ring_capacity=1024) as engine:
        assert engine.segment.view()[engine.segment.describe()["ring"] :].tobytes() == before


@pytest.mark.parametrize("bad", [1, 2])
def test_bad_snapshots_are_passed_over(tmp_path, written, bad, caplog):
    for path in sorted(tmp_path.glob("*.snapshot"))[-bad:]:
        data = bytearray(path.read_bytes())
        data[200] ^= 1
        path.write_bytes(data)
    with PriceEngine(log=options(tmp_path), ring_capacity=1024) as engine:
        assert matches(engine, written)
    assert caplog.text.count("snapshot is passed over") == bad


def test_snapshot_ahead_of_a_shortened_log_is_not_used(tmp_path, written):
    """As after a disk that lied about a sync."""
    with EventLog.open(tmp_path) as log:
        records = stream(*log)
    newest = max(tmp_path.glob("*.snapshot"))
    for path in sorted(tmp_path.glob("*.log"))[1:]:
        path.unlink()
    with EventLog.open(tmp_path) as log, PriceEngine() as expected:
        assert log.last_sequence < int(newest.name[:20])
        restore_segment(expected.segment, None, [records[: log.last_sequence]])
        with PriceEngine(log=options(tmp_path)) as engine:
            assert engine.snapshot().tobytes() == expected.snapshot().tobytes()


def test_missing_files_behind_the_newest_snapshot_are_damage(tmp_path, written):
    newest = max(tmp_path.glob("*.snapshot"))
    for path in tmp_path.glob("*.log"):
        if int(path.name[:20]) <= int(newest.name[:20]):
            path.unlink()
    with pytest.raises(LogCorruptError, match="behind the newest good snapshot, are not there"):
        PriceEngine(log=options(tmp_path))


def test_trimmed_log_without_any_snapshot_comes_back_with_what_it_knows(tmp_path, written, caplog):
    for path in [*tmp_path.glob("*.snapshot"), *sorted(tmp_path.glob("*.log"))[:1]]:
        path.unlink()
    with PriceEngine(log=options(tmp_path), ring_capacity=1024) as engine:
        assert engine.symbols() == written[2]
        assert ring_of(engine) == written[1]
    assert "no snapshot leads there" in caplog.text


def test_too_few_places_are_refused_with_the_number_to_pass(tmp_path):
    with PriceEngine(log=options(tmp_path)) as engine:
        engine.register([f"S{i}" for i in range(2_000)])
        engine.log.snapshot()
        engine.register([f"T{i}" for i in range(50)])
    with pytest.raises(SymbolTableFullError, match="holds 2,050 symbols, max_symbols is 1,024: pass max_symbols=2050"):
        PriceEngine(log=options(tmp_path), max_symbols=1_024)
    with PriceEngine(log=options(tmp_path), max_symbols=2_050) as engine:
        assert len(engine) == 2_050


def test_names_with_zero_bytes_come_back(tmp_path):
    names = ["A", "A\0", "\0", "A\0B", "\0" * 48]
    with PriceEngine(log=options(tmp_path)) as engine:
        for i, name in enumerate(names[:3]):
            engine.update(name, float(i + 1))
        engine.log.snapshot()
        engine.register(names)
    for _ in range(2):
        with PriceEngine(log=options(tmp_path)) as engine, EventLog.open(tmp_path) as log:
            assert engine.symbols() == log.symbols() == names
            assert [engine.price(name) for name in names[:3]] == [1.0, 2.0, 3.0]


def test_receive_times_go_on_behind_those_of_the_log(tmp_path):
    with PriceEngine(log=options(tmp_path)) as engine:
        for i in range(100):
            engine.update("A", float(i + 1))
        last = engine.get("A").received_ns
    with PriceEngine(log=options(tmp_path)) as engine:
        engine.update("A", 5.0)
        assert engine.get("A").received_ns >= last


def test_engine_that_is_killed_while_it_comes_back_comes_back_whole(tmp_path):
    with PriceEngine(log=options(tmp_path)) as engine:
        ids = engine.register([f"S{i}" for i in range(20_000)])
        for k in range(4):
            engine.update_many(ids, np.arange(1.0, 20_001.0) + k)
        engine.log.snapshot()
        for k in range(10):
            engine.update_many(ids, np.arange(1.0, 20_001.0) * k + 1)
        expected = engine.snapshot()
    for round_ in range(8):
        child = os.fork()
        if child == 0:
            try:
                PriceEngine("md", log=options(tmp_path))
                time.sleep(10)
            finally:
                os._exit(1)
        time.sleep(0.005 * (round_ + 1))
        os.kill(child, 9)
        os.waitpid(child, 0)
        with PriceEngine("md", log=options(tmp_path)) as engine:
            assert engine.snapshot().tobytes() == expected.tobytes()
            assert engine.metrics().ring.sequence == 20_000 * 15
        (engine.segment.file.path).unlink()


def test_segment_that_was_left_unfinished_is_not_taken_for_the_log(tmp_path, written):
    """Cut short behind the last ticket: its sequence alone would not tell."""
    sizes = {"max_symbols": 1024, "ring_capacity": 1024, "latency_window": 10_000, "histogram_words": 296}
    with EventLog.open(tmp_path) as log:
        blocks = list(log)

    def cut_short():
        yield from blocks
        raise KeyboardInterrupt

    segment = write_segment("md", sizes, 0o600, resume=True)
    with pytest.raises(KeyboardInterrupt):
        restore_segment(segment, None, cut_short())
    assert segment.unfinished
    segment.file.close()
    with pytest.raises(SegmentError, match="not yet filled from its log"):
        PriceEngine("md", max_symbols=1024, ring_capacity=1024)
    with PriceEngine("md", log=options(tmp_path), max_symbols=1024, ring_capacity=1024) as engine:
        assert matches(engine, written)
        assert not engine.segment.unfinished
        assert engine.segment is not segment
        assert attach("md").symbols() == written[2]


def test_named_engine_and_its_log_go_on_together(tmp_path, written):
    for _ in range(2):
        with PriceEngine("md", log=options(tmp_path), ring_capacity=1024) as engine:
            assert engine.symbols() == written[2]
            engine.update(NAMES[0], 7.0)
            last = engine.snapshot()
    with PriceEngine(log=options(tmp_path)) as engine:
        assert engine.snapshot().tobytes() == last.tobytes()
        assert engine.get(NAMES[0]).sequence == written[1][-1][0] + 2
