"""A named segment together with a log: the newer state wins, nothing is lost, another stream is refused."""

import os
import signal
from contextlib import contextmanager

import numpy as np
import pytest
from helpers.crashes import python, read_line
from helpers.logs import files_of, read_back

import pricecore
from pricecore import EventLog, LogOptions, PriceEngine, SegmentError

NAME = "pc-segment-and-log"
SIZES = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 10, "pool_buffers": 4}


@pytest.fixture(autouse=True)
def shm(tmp_path, monkeypatch):
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


def engine_of(folder, name=NAME, **more):
    log = None if folder is None else LogOptions(folder, snapshot_records=None)
    return PriceEngine(name, log=log, **SIZES, **more)


def write(engine, count, symbols=5, first=1.0):
    for k in range(count):
        engine.update(f"S{k % symbols}", first + k, volume=1.0)
    return engine.metrics().ring.sequence


def same(engine, other):
    return engine.symbols() == other.symbols() and engine.snapshot().tobytes() == other.snapshot().tobytes()


@contextmanager
def only_the_log(folder, tmp_path):
    """An engine from a copy of the log alone: what a restart finds when the segment is gone."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    with PriceEngine(log=LogOptions(copy, snapshot_records=None), **SIZES) as engine:
        yield engine


def test_both_go_on_together(folder, tmp_path):
    for round_ in range(3):
        with engine_of(folder) as engine:
            last = write(engine, 50, first=1.0 + 100 * round_)
    assert read_back(folder).sequences() == list(range(1, last + 1))
    assert pricecore.attach(NAME).generation == 3
    with only_the_log(folder, tmp_path) as found, engine_of(folder) as engine:
        assert same(found, engine)


def test_what_a_surviving_ring_holds_beyond_the_log_is_logged_first(folder, tmp_path):
    with engine_of(folder) as engine:
        write(engine, 50)
    with engine_of(None) as engine:  # somebody ran it without its log
        last = write(engine, 700, symbols=9)
    with engine_of(folder) as engine:
        assert engine.log.written_sequence == last
        assert engine.log.durable_sequence == last
        assert engine.log.stats().gap_records == 0
        engine.update("NEW", 1.0)
    assert read_back(folder).sequences() == list(range(1, last + 3))
    assert not files_of(folder, "snapshot")
    with only_the_log(folder, tmp_path) as found, engine_of(folder) as engine:
        assert same(found, engine)


@pytest.mark.parametrize("before", [0, 50])
def test_what_the_ring_has_lost_is_a_gap_and_a_snapshot_holds_its_prices(folder, tmp_path, before):
    if before:
        with engine_of(folder) as engine:
            logged = write(engine, before)
    else:
        logged = 0
    with engine_of(None) as engine:
        last = write(engine, 3_000, symbols=7)
        engine.update("ONCE", 5.0)
        last = write(engine, 3_000, symbols=7)
    with engine_of(folder) as engine:
        assert engine.log.stats().snapshot_sequence == last
        engine.update("S0", 7.0)
    found = read_back(folder)
    (gap,) = found.gaps
    assert (gap.first_sequence, gap.last_sequence, gap.reason) == (logged + 1, last - SIZES["ring_capacity"], 2)
    assert found.sequences()[logged:] == list(range(last - SIZES["ring_capacity"] + 1, last + 2))
    with only_the_log(folder, tmp_path) as found, engine_of(folder) as engine:
        assert found.price("ONCE") == 5.0
        assert same(found, engine)


def test_a_log_that_is_ahead_makes_a_new_segment_and_tells_the_readers_of_the_old_one(folder):
    with engine_of(folder) as engine:
        write(engine, 50)
    view = pricecore.attach(NAME)
    old = view.segment
    with engine_of(folder, name=None) as engine:
        last = write(engine, 50, symbols=8)
        prices = engine.snapshot()
    assert not old.superseded
    with engine_of(folder) as engine:
        assert old.superseded
        assert engine.metrics().ring.sequence == last
        assert engine.snapshot().tobytes() == prices.tobytes()
        assert view.price("S7") == engine.price("S7")
    assert read_back(folder).gaps == []


def refused(folder, **more):
    with pytest.raises(SegmentError, match="holds another stream than the log") as caught:
        engine_of(folder, **more)
    assert str(folder) in str(caught.value)
    assert NAME in str(caught.value)
    return str(caught.value)


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_segment_of_other_symbols_is_refused_and_neither_is_touched(folder, shm):
    with engine_of(folder, name=None) as engine:
        write(engine, 10)
    with engine_of(None) as engine:
        engine.update("S0", 1.0)
        engine.update("OTHER", 1.0)
        write(engine, 100)
    before = files_in(folder), files_in(shm)
    assert "symbol 1 is 'OTHER' (record 3) there and 'S1' (record 3) in the log" in refused(folder)
    assert (files_in(folder), files_in(shm)) == before
    engine_of(None).close()  # and nothing holds it
    with engine_of(folder, resume=False) as engine:
        assert engine.symbols() == [f"S{k}" for k in range(5)]


def test_a_segment_whose_symbols_have_other_records_is_refused(folder):
    with engine_of(folder, name=None) as engine:
        engine.update("S0", 1.0)
        engine.update("S1", 1.0)
        write(engine, 10)
    with engine_of(None) as engine:
        engine.update("S0", 1.0)
        engine.update("S0", 1.0)
        engine.update("S1", 1.0)
        write(engine, 100)
    assert "symbol 1 is 'S1' (record 4) there and 'S1' (record 3) in the log" in refused(folder)


def test_a_segment_that_lacks_symbols_of_the_log_is_refused(folder):
    with engine_of(folder, name=None) as engine:
        write(engine, 10)
    with engine_of(None) as engine:
        write(engine, 100, symbols=4)
    assert "symbol 4 is none there and 'S4' (record 9) in the log" in refused(folder)


@pytest.mark.parametrize("more_in_the_segment", [True, False])
def test_a_segment_of_the_same_symbols_and_other_prices_is_refused(folder, more_in_the_segment):
    with engine_of(folder, name=None) as engine:
        write(engine, 10)
        if not more_in_the_segment:
            write(engine, 100)
    with engine_of(None) as engine:
        write(engine, 30)
    last = 35 if not more_in_the_segment else 15
    assert f"record {last} is another one there than in the log" in refused(folder)


def test_an_empty_segment_takes_what_the_log_holds(folder):
    engine_of(None).close()
    with engine_of(folder, name=None) as engine:
        write(engine, 10)
    with engine_of(folder) as engine:
        assert len(engine) == 5


WRITER = """
import os, sys, numpy as np
from pricecore import *
folder, name, interval = sys.argv[1:]
log = LogOptions(folder, snapshot_records=None, commit_interval_s=float(interval))
with PriceEngine(name, log=log, max_symbols=1024, ring_capacity=1024, latency_window=10, pool_buffers=4) as engine:
    k = engine.metrics().ring.sequence
    ids = engine.register([f"S{i}" for i in range(8)])
    print(k, flush=True)
    while True:
        k += 1
        engine.update(f"S{k % 8}", float(k), volume=2.0 * k)
        engine.update_many(ids, np.arange(k, k + 8.0), np.arange(2.0 * k, 2.0 * k + 16, 2))
        if k % 500 == 0:
            engine.update(f"N{k}", float(k), volume=2.0 * k)
        if k % 2000 == 0:
            print(k, flush=True)
"""


@pytest.mark.parametrize("interval_s", ["0.0001", "0.02"])
def test_what_the_ring_of_a_killed_engine_still_held_is_logged(folder, tmp_path, interval_s):
    """No record is missing and the prices are those of the segment, however far the log was behind."""
    held = 0
    for _ in range(4):
        with python(WRITER, str(folder), NAME, interval_s) as child:
            for _ in range(4):
                read_line(child)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        view = pricecore.attach(NAME)
        last = view.metrics().ring.sequence
        with EventLog.open(folder) as log:
            held += last - log.last_sequence
        prices = view.snapshot()
        with engine_of(folder) as engine:
            assert engine.log.written_sequence >= last
            assert engine.log.stats().gap_records == 0
            assert len(engine.snapshot()) >= len(prices)
    found = read_back(folder)
    assert held > 0, "the ring was never ahead: nothing was tried"
    assert found.sequences() == list(range(1, len(found.records) + 1))
    trades = found.records[found.records["kind"] == 0]
    assert (trades["volume"] == 2 * trades["price"]).all()
    with only_the_log(folder, tmp_path) as restored, engine_of(folder) as engine:
        assert same(restored, engine)


def test_a_ring_tail_is_logged_in_few_blocks(folder):
    """With "disk" every block costs a sync."""
    with engine_of(None) as engine:
        ids = engine.register(["A"])
        engine.update_many(np.repeat(ids, 1_000), np.arange(1.0, 1_001.0))
    with PriceEngine(NAME, log=LogOptions(folder, durability="disk"), **SIZES) as engine:
        assert engine.log.synced_sequence == 1_001
    assert sum(block["count"] > 0 for block in read_back(folder).blocks) <= 4
