"""fork, spawn and forkserver: children that read what their parent writes, and children that write."""

import multiprocessing
import sys
import threading

import pytest
from helpers.children import Child, follow, refused, write
from helpers.fork import run_in_child
from helpers.writers import SMALL

from pricecore import PriceEngine, SegmentInUseError, attach
from pricecore.engine import view as view_module

METHODS = [method for method in ("fork", "spawn", "forkserver") if method in multiprocessing.get_all_start_methods()]
PATIENCE_S = 60.0

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="named engines are not on Windows"),
    # Of a fork in a process with more than one thread: housekeeping is one.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture(params=METHODS)
def context(request):
    return multiprocessing.get_context(request.param)


@pytest.fixture
def engine():
    """An engine of this process, which is the parent."""
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5)
        yield engine


@pytest.mark.parametrize("how", ["a view", "a name"])
def test_child_reads_what_its_parent_writes(context, engine, folder, how):
    with attach("md") as view, Child(context, follow, view if how == "a view" else "md") as child:
        for price in (2.0, 3.0, 4.0):
            engine.update("A", price)
            assert child.ask(price) == (price, engine.get("A").sequence, True, 1, True)
        assert child.end() == 0
        assert (view.alive, view.price("A")) == (True, 4.0)
        assert (folder / "pricecore-md").exists()
        with pytest.raises(SegmentInUseError):
            PriceEngine("md", **SMALL)
        assert engine.update("A", 5.0)


def test_child_that_is_killed_takes_nothing_with_it(context, engine, folder):
    with attach("md") as view, Child(context, follow, view) as child:
        assert child.ask(1.5)[4]
        child.process.kill()
        child.process.join(PATIENCE_S)
        assert (view.alive, view.price("A"), (folder / "pricecore-md").exists()) == (True, 1.5, True)
        assert engine.update("A", 2.0)


def test_child_follows_the_writer_after_its_parent(context, engine):
    with attach("md") as view, Child(context, follow, view) as child:
        engine.close()
        assert child.ask(1.5)[2:] == (False, 1, True)
        with PriceEngine("md", **SMALL) as successor:
            successor.update("A", 8.0)
            assert child.ask(8.0)[2:] == (True, 2, True)
        with PriceEngine("md", **(SMALL | {"max_symbols": 2_048})) as successor:
            successor.update("A", 9.0)
            assert child.ask(9.0)[2:] == (True, 3, True)


def test_child_writes_an_engine_of_its_own(context, folder):
    with Child(context, write, "theirs") as child:
        assert child.answer() == 1
        assert child.ask(7.0) is True
        with attach("theirs") as view:
            assert (view.price("A"), view.alive) == (7.0, True)
            with pytest.raises(SegmentInUseError, match=f"process {child.process.pid} "):
                PriceEngine("theirs", **SMALL)
            assert child.end() == 0
            assert (view.price("A"), view.alive) == (7.0, False)
        assert (folder / "pricecore-theirs").exists()
    with PriceEngine("theirs", **SMALL) as engine:
        assert (engine.price("A"), engine.segment.generation) == (7.0, 2)


def test_child_of_a_process_that_writes_writes_another_name(context, engine):
    with Child(context, write, "theirs") as child:
        assert child.answer() == 1
        assert child.ask(7.0) is True
        assert engine.update("A", 2.0)
        assert child.end() == 0
    with attach("md") as ours, attach("theirs") as theirs:
        assert (ours.price("A"), ours.alive, theirs.price("A"), theirs.alive) == (2.0, True, 7.0, False)


def test_forked_child_reads_although_another_thread_was_following_the_name(monkeypatch, engine):
    """What that thread held is held in the child for ever."""
    found, following, go_on = view_module.read_segment, threading.Event(), threading.Event()

    def slowly(*arguments):
        if threading.current_thread() is thread:
            following.set()
            assert go_on.wait(PATIENCE_S)
        return found(*arguments)

    with attach("md") as view:
        thread = threading.Thread(target=lambda: view.price("A"))
        monkeypatch.setattr(view_module, "read_segment", slowly)
        engine.close()
        with PriceEngine("md", **(SMALL | {"max_symbols": 2_048})) as successor:
            successor.update("A", 9.0)
            thread.start()
            assert following.wait(PATIENCE_S)
            try:
                assert run_in_child(lambda: view.price("A"), timeout_s=PATIENCE_S) == 9.0
            finally:
                go_on.set()
                thread.join(PATIENCE_S)


def test_forked_child_of_a_writer_reads_and_is_told_who_writes(engine):
    with Child(multiprocessing.get_context("fork"), refused, engine) as child:
        message, price = child.answer()
        child.process.join(PATIENCE_S)
        assert child.process.exitcode == 0
        assert (f"process {engine.segment.writer_pid} writes" in message, price) == (True, 1.5)
    with attach("md") as view:
        assert view.alive
    assert engine.update("A", 2.0)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "fork"])
def test_engine_cannot_be_handed_to_a_child(engine, method):
    context = multiprocessing.get_context(method)
    with pytest.raises(TypeError, match="an engine does not pickle"):
        context.Process(target=refused, args=(None, engine, None)).start()
