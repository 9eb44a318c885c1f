"""From one writer to the next: what the first one still holds touches nothing of the second."""

import contextlib
import gc
import os
import signal
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from helpers.fork import run_in_child
from helpers.stream import records_of
from helpers.waiting import PATIENCE_S, until
from helpers.writers import SMALL, writer

from pricecore import EngineClosedError, PriceEngine, SegmentError
from pricecore.engine import core
from pricecore.primitives import segment_file

RING = SMALL["ring_capacity"]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def named(**options):
    return PriceEngine("md", **SMALL | options)


def fill(engine, records):
    """Publish so many records of A, which is registered."""
    assert engine.update_many(["A"] * records, np.arange(1.0, records + 1)) == records


def read_all(consumer):
    parts = [consumer.read()]
    while len(part := consumer.read()):
        parts.append(part)
    return np.concatenate(parts)


def handles_taken(engine):
    """Return which of the first handles are in use."""
    begin = engine.segment.describe()["handles"]
    words = [struct.unpack_from("Q", engine.segment.view(), begin + 256 * i)[0] for i in range(4)]
    return [i for i, word in enumerate(words) if word]


def test_next_writer_has_the_segment_for_itself_although_a_batch_was_under_way():
    ids, prices = np.zeros(5_000, np.int32), np.ones(5_000)
    for _ in range(10):
        first = named(resume=False)
        first.register("A")
        written = [0]

        def write(engine=first, written=written):
            with contextlib.suppress(EngineClosedError):
                while True:
                    written[0] += engine.update_many(ids, prices)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        until(lambda written=written: written[0] > 0)
        first.close()
        with named() as second:
            sequence = second.metrics().ring.sequence
            assert second.update("A", 7.0)
            thread.join(PATIENCE_S)
            metrics = second.metrics()
            assert (metrics.ring.sequence, metrics.messages_received) == (sequence + 1, 1)
            assert second.price("A") == 7.0


@pytest.mark.parametrize("drop", ["close", "del"])
def test_handle_of_a_closed_engine_is_not_given_back_to_the_next_one(drop):
    first = named()
    handle = first.writer()
    first.close()
    with named() as second:
        taken = second.writer()
        assert handles_taken(second) == [0, 1]
        if drop == "close":
            handle.close()
        del handle
        gc.collect()
        assert handles_taken(second) == [0, 1]
        taken.close()
        assert handles_taken(second) == [0]


def failing(*_):
    raise SegmentError("no page for readers that wait")


@pytest.mark.parametrize("before", [False, True])
def test_engine_that_could_not_be_opened_frees_the_name_at_once(monkeypatch, before):
    if before:
        named().close()
    with monkeypatch.context() as patch:
        patch.setattr(core, "make_wait_file", failing)
        with pytest.raises(SegmentError, match="no page") as kept:
            named()
    with named() as engine:
        assert engine.update("A", 1.0)
    assert kept.traceback


def test_consumer_of_a_closed_engine_ends_at_its_last_record():
    first = named()
    first.update("A", 1.0)
    consumer = first.consumer("log")
    fill(first, 10)
    first.close()
    with named() as second:
        fill(second, 5)
        assert consumer.behind == 10
        assert consumer.read(3)["sequence"].tolist() == [3, 4, 5]
        fill(second, 5)
        assert read_all(consumer)["sequence"].tolist() == list(range(6, 13))
        assert (consumer.behind, consumer.lost, len(consumer.read())) == (0, 0, 0)


@pytest.mark.parametrize(("records", "left"), [(RING - 4, 4), (RING, 0), (3 * RING, 0)])
def test_what_the_next_writer_overwrites_is_lost_and_no_more_than_that(records, left):
    first = named()
    first.update("A", 1.0)
    consumer = first.consumer("log")
    fill(first, 10)
    first.close()
    with named() as second:
        fill(second, records)
        got = read_all(consumer)
        assert got["sequence"].tolist() == list(range(13 - left, 13))
        assert (consumer.lost, consumer.behind) == (10 - left, 0)


class ClosingName(str):
    """A name that closes the engine when it is looked at."""

    engine: PriceEngine

    def encode(self, *_):
        self.engine.close()
        return b"late"


def test_no_consumer_is_registered_with_an_engine_that_is_closed_meanwhile():
    first = named()
    ClosingName.engine = first
    with pytest.raises(EngineClosedError, match="before the consumer 'late'"):
        first.consumer(ClosingName("late"), "raise")
    with named() as second:
        second.register("A")
        assert second.metrics().ring.consumers == ()
        fill(second, 3 * RING)


@pytest.mark.parametrize("before", ["update", "update_many"])
def test_consumer_of_a_killed_writer_holds_nobody_up(before):
    last = "engine.update('A', 1.0)" if before == "update" else "engine.update_many(['A'] * 200, [1.0] * 200)"
    body = (
        "log = engine.consumer('log', 'wait', 1e9)\n"
        "engine.update('A', 1.0)\n"
        f"engine.update_many(['A'] * {RING - 2}, [1.0] * {RING - 2})\n"
        f"print('ready', flush=True)\n{last}\n"
    )
    with writer("md", body) as process:
        assert process.poll() is None
    with named() as engine:
        assert engine.metrics().ring.consumers == ()
        fill(engine, 3 * RING)
        own = engine.consumer("log", "raise")
        fill(engine, 10)
        assert len(read_all(own)) == 10


@contextmanager
def on_signal(action):
    """Run `action` in the main thread by a signal, in a moment."""
    before = signal.signal(signal.SIGUSR1, lambda *_: action())
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGUSR1])
    timer.start()
    try:
        yield
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


WAITING = {
    "update": lambda e: e.update("A", 7.0),
    "new symbol": lambda e: e.update("NEW", 7.0),
    "batch": lambda e: e.update_many(["A"] * 500, np.ones(500)),
    "small batch": lambda e: e.update_many(["A"] * 5, np.ones(5)),
    "names": lambda e: e.update_many(["A", "NEW"] * 100, np.ones(200)),
}


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
@pytest.mark.parametrize("call", WAITING.values(), ids=WAITING)
def test_signal_handler_may_close_an_engine_that_waits_for_room_and_open_the_next(call):
    first = named()
    first.register("A")
    consumer = first.consumer("log", full_timeout_s=PATIENCE_S)
    fill(first, RING)
    opened = []

    def hand_over():
        first.close()
        opened.append(named())

    with on_signal(hand_over), pytest.raises(EngineClosedError):
        call(first)
    with opened[0] as second:
        metrics = second.metrics()
        assert (metrics.messages_received, metrics.errors, metrics.batch_us) == (0, 0, 0.0)
        assert (second.segment.figures()["ring_waits"], len(second), metrics.ring.sequence) == (0, 1, RING + 1)
        assert len(read_all(consumer)) == RING


FORKED_IN_MID_OPEN = """
import os, sys, warnings
import pricecore
from pricecore.engine import core
warnings.simplefilter("ignore")         # a fork beside the housekeeping thread
make, children = core.make_wait_file, []

def fork_first(path):
    children.append(os.fork())
    return make(path)

core.make_wait_file = fork_first
try:
    engine = pricecore.PriceEngine("md", **{sizes!r})
except pricecore.WrongProcessError:
    os.write(1, b"refused\\n") if children == [0] else None
    sys.stdin.read()
    os._exit(0)
engine.update("A", 1.5)
os.write(1, b"%d\\n" % children[0])
sys.stdin.read()
"""


@needs_fork
def test_child_forked_in_mid_open_neither_writes_nor_keeps_the_name():
    script = FORKED_IN_MID_OPEN.format(sizes=SMALL)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        lines = {parent.stdout.readline(), parent.stdout.readline()}
        child = int((lines - {"refused\n"}).pop())
        assert "refused\n" in lines
        parent.kill()
        parent.wait()
        os.kill(child, 0)
        with named() as engine:
            assert engine.price("A") == 1.5
        os.kill(child, signal.SIGKILL)


@needs_fork
def test_child_forked_while_a_file_is_made_leaves_it_to_its_parent(monkeypatch, folder):
    reserve = segment_file._reserve

    def fork_first(file, size_bytes):
        assert run_in_child(lambda: (gc.collect(), file.closed)[1]) is True
        reserve(file, size_bytes)

    monkeypatch.setattr(segment_file, "_reserve", fork_first)
    with named() as engine:
        assert engine.update("A", 1.0)
        assert len(records_of(engine)) == 2
    assert {path.name for path in folder.iterdir()} == {"pricecore-md", "pricecore-md.wait"}
