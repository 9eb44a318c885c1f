"""`PriceEngine(name)`: one writer, taken over by the next one; what a fork may do."""

import os
import pickle
import stat
import subprocess
import sys

import pytest
from helpers.writers import READY, SMALL, UNTIL_TOLD, writer

from pricecore import EngineClosedError, PriceEngine, SegmentError, SegmentInUseError, WrongProcessError, attach
from pricecore.delivery.ring import RingReader


def named(**options):
    return PriceEngine("md", **(SMALL | options))


def test_a_second_writer_is_refused_and_told_the_first_ones_process():
    with writer("md", UNTIL_TOLD) as process, pytest.raises(SegmentInUseError, match=f"process {process.pid} writes"):
        named()


def test_an_engine_of_the_same_process_is_refused_too():
    with named(), pytest.raises(SegmentInUseError, match=f"process {os.getpid()}"):
        named()


def test_what_a_writer_left_goes_on_in_the_next_one():
    with writer("md", "engine.update('A', 1.5); engine.update_quote('B', 1, 2); engine.close()\n" + READY):
        pass
    with named() as engine:
        assert engine.symbols() == ["A", "B"]
        assert engine.price("A") == 1.5
        assert engine.quote("B").sequence == 4
        assert engine.update("C", 3.0)
        assert engine.get("C").sequence == 6
        assert engine.segment.generation == 2
        assert engine.metrics().messages_received == 1  # of this writer


def test_times_do_not_go_back_from_one_writer_to_the_next():
    with named() as engine:
        engine.update("A", 1.0)
        before = engine.get("A").received_ns
    with named() as engine:
        engine.update("A", 2.0)
        assert engine.get("A").received_ns >= before


def test_resume_false_begins_anew():
    with named() as engine:
        engine.update("A", 1.5)
    with named(resume=False) as engine:
        assert (len(engine), engine.segment.generation) == (0, 2)
        assert engine.metrics().ring.sequence == 0


@pytest.mark.parametrize("option", ["max_symbols", "ring_capacity", "latency_window"])
def test_other_sizes_begin_anew(option):
    with named() as engine:
        engine.update("A", 1.5)
    with named(**{option: 4_096}) as engine:
        assert (len(engine), engine.segment.generation) == (0, 2)


def test_sizes_that_round_to_the_same_go_on():
    with named(max_symbols=1_000) as engine:
        engine.update("A", 1.5)
    with named(max_symbols=5) as engine:
        assert engine.price("A") == 1.5


def test_stream_goes_on_without_a_hole():
    with named() as engine:
        engine.update_many(["A"] * 10, [1.0] * 10)
    with named() as engine:
        engine.update("A", 2.0)
        records = RingReader(engine.segment).read()
    assert records["sequence"].tolist() == list(range(1, 13))


def test_handles_of_a_writer_that_died_are_free_again():
    with writer("md", "kept = [engine.writer() for _ in range(63)]\n" + UNTIL_TOLD):
        pass
    with named() as engine:
        handle = engine.writer()
        handle.update("A", 1.0)
        handle.close()
        assert engine.metrics().messages_received == 1


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o644])
def test_file_has_the_permissions_asked_for(folder, permissions):
    with named(permissions=permissions):
        assert stat.S_IMODE((folder / "pricecore-md").stat().st_mode) == permissions


@pytest.mark.parametrize(("before", "after"), [(0o600, 0o640), (0o644, 0o600), (0o640, 0o640)])
def test_segment_that_goes_on_has_the_permissions_asked_for_now(folder, before, after):
    with named(permissions=before) as engine:
        engine.update("A", 1.5)
    with named(permissions=after) as engine:
        assert (engine.price("A"), engine.segment.generation) == (1.5, 2)
        assert stat.S_IMODE((folder / "pricecore-md").stat().st_mode) == after


def test_writer_that_is_refused_changes_no_permissions(folder):
    with named(permissions=0o600):
        with pytest.raises(SegmentInUseError):
            named(permissions=0o644)
        assert stat.S_IMODE((folder / "pricecore-md").stat().st_mode) == 0o600


def test_engine_that_is_pickled_says_how_to_read_it():
    with named() as engine, pytest.raises(TypeError, match=r"attach\('md'\) reads this one from any process"):
        pickle.dumps(engine)
    with PriceEngine() as engine, pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(engine)


@pytest.mark.parametrize("permissions", [0o660, 0o666, 0o400, 0o700, 0])
def test_permissions_that_let_others_write_or_the_owner_not_are_refused(permissions):
    with pytest.raises(ValueError, match="must be 0o600"):
        named(permissions=permissions)


@pytest.mark.parametrize("permissions", [None, True, "600"])
def test_permissions_are_an_int(permissions):
    with pytest.raises(TypeError, match="permissions"):
        named(permissions=permissions)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a.b", "-a", "a b", "a\n", "\u00e4", "x" * 65])
def test_name_that_cannot_be_one_is_refused(name):
    with pytest.raises(ValueError, match="cannot be a segment's name"):
        PriceEngine(name)


@pytest.mark.parametrize("name", [b"md", 5, 1.5])
def test_name_of_another_type_is_refused(name):
    with pytest.raises(TypeError, match="must be a str"):
        PriceEngine(name)


def test_nothing_but_the_segment_lies_in_the_folder(folder):
    with named(), pytest.raises(SegmentInUseError):
        named()
    assert [path.name for path in folder.glob("pricecore-md*") if not path.name.endswith(".wait")] == ["pricecore-md"]


def test_folder_that_takes_no_file_is_an_error_that_names_the_option(monkeypatch, folder):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(folder / "none"))
    with pytest.raises(SegmentError, match="PRICECORE_SHM_DIR"):
        named()


def test_segment_that_does_not_fit_fails_when_it_is_made(folder):
    script = (
        "import resource, pricecore\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try: pricecore.PriceEngine('md')\n"
        "except pricecore.SegmentError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "the segment needs 3" in done.stdout
    assert "--shm-size" in done.stdout
    assert not list(folder.iterdir())


IN_CHILD = """
import os, warnings
import pricecore
warnings.simplefilter("ignore")         # a fork beside the housekeeping thread
engine = pricecore.PriceEngine("md")
writer = engine.writer()
engine.update("A", 1.5)
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    assert engine.price("A") == 1.5 and engine.snapshot()["price"][0] == 1.5 and engine.metrics().symbols == 1
    for call in (lambda: engine.update("A", 2.0), lambda: engine.update_many(["A"], [1.0]), engine.close,
                 lambda: engine.register("B"), lambda: writer.update("A", 2.0), engine.writer, engine.reset_stats):
        try:
            call()
        except pricecore.WrongProcessError as error:
            assert str(os.getppid()) in str(error)
        else:
            os._exit(1)
    del writer
    os.write(writing, b"x")
    {then}
    os._exit(0)
os.read(reading, 1)
{parent}
"""


def test_child_of_a_fork_reads_and_writes_nothing():
    parent = "code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\nprint(code, engine.update('A', 3.0))"
    script = IN_CHILD.format(then="", parent=parent)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "0 True\n", done.stderr


def test_child_of_a_fork_does_not_keep_the_name_when_its_parent_dies():
    then, parent = "import time; os.close(1); time.sleep(60)", "print(child, flush=True); os.kill(os.getpid(), 9)"
    script = IN_CHILD.format(then=then, parent=parent)
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    try:
        with attach("md") as view:
            assert not view.alive
            with PriceEngine("md") as engine:
                assert engine.price("A") == 1.5
                assert view.generation == 2
    finally:
        os.kill(int(done.stdout), 9)


def test_close_frees_the_name_and_keeps_the_prices():
    engine = named()
    engine.update("A", 1.5)
    engine.close()
    with pytest.raises(EngineClosedError):
        engine.price("A")
    with attach("md") as view:
        assert (view.price("A"), view.alive) == (1.5, False)


def test_wrong_process_is_a_runtime_error():
    assert issubclass(WrongProcessError, RuntimeError)
