"""Processes under SIGSTOP: a reader that stands still disturbs no writer, a writer that does no reader."""

import os
import signal
import time
from contextlib import contextmanager

import pytest
from helpers.crashes import SIZES, WRITE, python, read_line
from helpers.waiting import until
from helpers.watching import ask, watcher

from pricecore import PriceEngine, SegmentInUseError, attach

WRITE_ALONE = WRITE + "write('md', 0)\n"


@contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def write_laps(engine, laps):
    """Write so many times round the ring, in records that carry their check."""
    for i in range(laps * SIZES["ring_capacity"] // 4):
        x = 1.0 + i
        engine.update("A", x, 2 * x, 0, 3 * x)
        engine.update_quote("A", x, 2 * x, 3 * x, 4 * x)
        engine.update_many(["A", "B"], [x, x], [2 * x, 2 * x], None, [3 * x, 3 * x])


def check_reader_under_sigstop(stop_s):
    with PriceEngine("md", **SIZES) as engine:
        write_laps(engine, 1)
        with watcher("md") as reader:
            before = ask(reader)
            with stopped(reader.pid):
                end_s = time.monotonic() + stop_s
                write_laps(engine, 3)
                while time.monotonic() < end_s:
                    write_laps(engine, 1)
                engine.update("LATER", 1.0, 2.0, 0, 3.0)
            after = ask(reader)
        assert after["sequence"] == engine.metrics().ring.sequence >= before["sequence"] + 3 * SIZES["ring_capacity"]
        assert (after["symbols"], after["alive"]) == (3, True)
        assert engine.metrics().errors == 0


def test_reader_that_stood_still_for_laps_reads_right_values():
    check_reader_under_sigstop(1.0)


@pytest.mark.slow
def test_reader_that_stood_still_for_ten_seconds_reads_right_values():
    check_reader_under_sigstop(10.0)


def test_writer_that_stands_still_is_alive_and_its_readers_go_on():
    with python(WRITE_ALONE) as writer:
        pid = int(read_line(writer))
        with attach("md") as view, watcher("md") as reader:
            for _ in range(10):
                with stopped(pid):
                    before = ask(reader)
                    assert before["alive"]
                    price = view.get("S0")
                    with pytest.raises(SegmentInUseError, match=f"process {pid} writes"):
                        PriceEngine("md", **SIZES)
                    after = ask(reader)
                    assert after["reads"] > before["reads"]
                    assert after["sequence"] == before["sequence"]
                    assert view.get("S0") == price
                    assert view.alive
            until(lambda: ask(reader)["sequence"] > after["sequence"])
            os.kill(pid, signal.SIGSTOP)
            writer.kill()
            writer.wait()
            assert not view.alive


def test_reader_that_is_killed_is_not_missed():
    with PriceEngine("md", **SIZES) as engine, attach("md") as view:
        write_laps(engine, 1)
        with watcher("md") as reader:
            ask(reader)
            reader.kill()
            reader.wait()
            write_laps(engine, 2)
        assert (view.alive, view.price("A")) == (True, engine.price("A"))
