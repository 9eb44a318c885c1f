"""A fork in mid-use: the child goes on with a private copy, mended; the parent does not notice."""

import os
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from helpers.fork import run_in_child
from helpers.stream import PRICE, VOID, of_kind, records_of
from helpers.threads import run_threads, switch_interval, tries

import pricecore
from pricecore import EngineClosedError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

LAPS = 5_000  # updates: several laps of the small ring, so that a ticket left open would be met


def use(engine):
    """Write and read in every way; return what must be true of any engine."""
    for i in range(LAPS):
        assert engine.update("A", 1.0 + i)
    assert engine.update_many(["A"] * LAPS, np.arange(1.0, LAPS + 1)) == LAPS
    assert engine.update_quotes(["Q"] * LAPS, np.ones(LAPS), np.ones(LAPS)) == LAPS
    assert engine.update("NEW", 7.0)
    assert (engine.price("A"), engine.mid("Q"), engine.price("NEW")) == (float(LAPS), 1.0, 7.0)
    sequences = records_of(engine)["sequence"].tolist()
    assert sequences == list(range(sequences[0], engine.metrics().ring.sequence + 1))
    return "good"


def test_child_goes_on_with_a_copy_and_the_parent_does_not_notice(engine):
    engine.update("A", 5.0, volume=2.0, change_24h=1.0)
    before = engine.get("A"), engine.metrics().ring.sequence

    def child():
        assert (engine.get("A"), engine.metrics().messages_processed) == (before[0], 1)
        return use(engine)

    assert run_in_child(child) == "good"
    assert (engine.get("A"), engine.metrics().ring.sequence) == before
    assert engine.symbols() == ["A"]
    assert use(engine) == "good"


def test_child_of_a_child_goes_on_too(engine):
    engine.update("A", 5.0)
    assert run_in_child(lambda: run_in_child(lambda: use(engine))) == "good"


def test_child_that_closes_leaves_the_parents_engine_open(engine):
    def child():
        engine.close()
        with pytest.raises(EngineClosedError):
            engine.update("A", 1.0)
        return engine.closed

    assert run_in_child(child) is True
    assert engine.update("A", 1.0)


def test_engine_that_was_closed_before_the_fork_stays_closed(engine):
    engine.close()

    def child():
        with pytest.raises(EngineClosedError):
            engine.update("A", 1.0)
        return engine.closed

    assert run_in_child(child) is True


def test_writer_handle_goes_on_in_the_child(engine):
    writer = engine.writer()
    writer.update("A", 1.0)

    def child():
        assert writer.update("A", 2.0)
        return engine.price("A"), engine.metrics().messages_processed

    assert run_in_child(child) == (2.0, 2)
    assert writer.price("A") == 1.0


def test_default_engine_goes_on_in_the_child():
    with pricecore.get_engine() as engine:
        engine.update("A", 1.0)

        def child():
            assert pricecore.get_engine() is engine
            return pricecore.get_engine().price("A")

        assert run_in_child(child) == 1.0


def test_new_engine_works_in_the_child(engine, make_engine):
    engine.update("A", 1.0)
    assert run_in_child(lambda: use(make_engine())) == "good"


def test_figures_of_the_second_move_again_in_the_child(engine):
    for _ in range(50_000):
        engine.update("A", 1.0)

    def child():
        begin = time.monotonic()
        figures = []
        while time.monotonic() < begin + 2.3:
            engine.update_many(["A"] * 100, [1.0] * 100)
            m = engine.metrics()
            figures.append((m.cpu_percent, m.throughput_per_s))
        return figures

    figures = run_in_child(child)
    assert min(cpu for cpu, _ in figures) >= 0
    assert figures[-1][0] > 1
    assert len({throughput for _, throughput in figures}) >= 2
    assert figures[-1][1] > 1_000


@contextmanager
def busy_threads(work, count):
    """Let threads repeat `work(index)` while the block runs."""
    stop = threading.Event()

    def body(index):
        while not stop.is_set():
            work(index)

    threads = [threading.Thread(target=body, args=(i,), daemon=True) for i in range(count)]
    with switch_interval(1e-4):
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)


ROWS = 20_000
VALUES = np.arange(1.0, ROWS + 1)


def assert_whole(engine):
    """Every record and every stored trade was written as one: volume and change follow from the price."""
    trades = of_kind(records_of(engine), PRICE)
    assert np.array_equal(trades["volume"], 2 * trades["price"])
    assert np.array_equal(trades["change_24h"], 3 * trades["price"])
    table = engine.snapshot()
    table = table[~np.isnan(table["price"])]
    assert np.array_equal(table["volume"], 2 * table["price"])
    assert np.array_equal(table["change_24h"], 3 * table["price"])


def test_fork_in_the_middle_of_batches_of_other_threads(engine):
    ids = engine.register([f"S{i}" for i in range(20)])
    columns = [np.resize(np.roll(ids, k), ROWS).astype(np.int32) for k in range(3)]

    def child():
        assert len(engine.snapshot()) == 20  # the first call mends
        records = records_of(engine)
        last = engine.metrics().ring.sequence
        assert records["sequence"].tolist() == list(range(max(last - 1_024, 0) + 1, last + 1))
        assert_whole(engine)
        assert use(engine) == "good"
        engine.close()  # waits for no batch of the parent's
        return int((records["kind"] == VOID).sum())

    with busy_threads(lambda k: engine.update_many(columns[k], VALUES, 2 * VALUES, None, 3 * VALUES), 3):
        void = [run_in_child(child) for _ in range(25)]
        for _ in tries():
            if any(void):
                break
            void.append(run_in_child(child))
    assert any(void), "no fork met a batch between ticket and publication: nothing was tested"
    assert_whole(engine)
    assert not (records_of(engine)["kind"] == VOID).any()
    assert use(engine) == "good"


def test_fork_while_other_threads_use_the_engine_in_every_other_way(engine):
    engine.update("A", 1.0)

    def work(index):
        if index == 0:
            engine.update(f"S{time.monotonic_ns() % 500}", 1.0)
        elif index == 1:
            engine.metrics()
            engine.snapshot()
        else:
            with engine.writer() as writer:
                writer.update_quotes(["A"] * 100, np.ones(100), np.ones(100))

    with busy_threads(work, 3):
        answers = [run_in_child(lambda: use(engine)) for _ in range(10)]
    assert answers == ["good"] * 10


def test_fork_while_other_threads_make_and_close_engines(engine, make_engine):
    def work(_):
        with pricecore.PriceEngine(max_symbols=1_024, ring_capacity=1_024, pool_buffers=1) as other:
            other.update("A", 1.0)

    with busy_threads(work, 2):
        answers = [run_in_child(lambda: use(engine)) for _ in range(10)]
    assert answers == ["good"] * 10


def test_threads_of_the_child_may_all_be_first(engine):
    ids = np.resize(engine.register(["A", "B"]), ROWS).astype(np.int32)

    def child():
        assert run_threads(4, lambda _: engine.update_many(ids, VALUES)) == [ROWS] * 4
        return engine.metrics().messages_processed

    with busy_threads(lambda _: engine.update_many(ids, VALUES), 2):
        before = engine.metrics().messages_processed
        counts = [run_in_child(child) for _ in range(5)]
    assert all(count >= before + 4 * ROWS for count in counts)


def test_child_that_touches_no_engine_ends_without_a_word(engine):
    engine.update("A", 1.0)
    assert run_in_child(lambda: "quiet") == "quiet"


@pytest.mark.parametrize("name", ["metrics", "snapshot", "symbols", "close", "reset_stats", "writer", "to_pandas"])
def test_any_call_may_be_the_first_one_in_the_child(engine, name):
    engine.update("A", 1.0)

    def child():
        getattr(engine, name)()
        return name == "close" or use(engine) == "good"

    assert run_in_child(child) is True
