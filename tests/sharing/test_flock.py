"""Where the system has no open-file-description locks: the same promises by `flock`."""

import os
import signal
from contextlib import contextmanager

import pytest
from helpers.crashes import SIZES, WRITE, python, read_line, tell
from helpers.fork import run_in_child

from pricecore import PriceEngine, SegmentInUseError, attach
from pricecore.primitives import file_lock
from pricecore.primitives.segment_list import list_segments, remove_orphaned

BY_FLOCK = "from pricecore.primitives import file_lock\nfile_lock._HAS_DESCRIPTION_LOCKS = False\n"
WRITER = BY_FLOCK + WRITE + "write('md', 0)\n"
VIEWER = (
    BY_FLOCK
    + """
import os, sys
import pricecore
view = pricecore.attach("md")
print("ready", flush=True)
for line in sys.stdin:
    if line == "many\\n":
        while True: view.alive
    latest = view.get("S0")
    print(view.alive, view.generation, latest.volume == 2 * latest.price, flush=True)
"""
)


@pytest.fixture(autouse=True)
def by_flock(monkeypatch):
    monkeypatch.setattr(file_lock, "_HAS_DESCRIPTION_LOCKS", False)


@contextmanager
def started(script):
    with python(script) as process:
        yield process, read_line(process)


def test_one_writer_is_alive_until_it_is_killed_and_then_the_next_one_takes_over():
    with started(WRITER) as (writer, pid), started(VIEWER) as (viewer, _), attach("md") as view:
        assert view.alive
        assert tell(viewer, "?") == "True 1 True\n"
        assert [facts.alive for facts in list_segments()] == [True]
        with pytest.raises(SegmentInUseError, match=f"process {int(pid)} writes"):
            PriceEngine("md", **SIZES)
        assert remove_orphaned() == []
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert not view.alive
        assert tell(viewer, "?") == "False 1 True\n"
        with PriceEngine("md", **SIZES) as engine:
            assert engine.segment.generation == 2
            assert tell(viewer, "?") == "True 2 True\n"
        assert tell(viewer, "?") == "False 2 True\n"
    assert remove_orphaned() == ["md"]


def test_readers_that_keep_asking_do_not_keep_a_writer_off():
    """Their question takes a shared lock for a moment; a writer tries again."""
    with PriceEngine("md", **SIZES) as engine:
        engine.update("S0", 1.0, 2.0, 0, 3.0)
    with started(VIEWER) as (viewer, _):
        viewer.stdin.write(b"many\n")
        for number in range(50):
            with PriceEngine("md", **SIZES) as engine:
                assert engine.segment.generation == number + 2


def test_child_of_a_fork_does_not_free_its_parents_lock():
    with PriceEngine("md", **SIZES) as engine, attach("md") as view:
        assert run_in_child(lambda: view.alive)
        assert view.alive
        assert engine.update("S0", 1.0)
