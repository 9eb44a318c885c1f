"""A disk that fails, a second writer, a fork: the log says so, and the engine goes on without it."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.logs import files_of, read_back
from helpers.subprocesses import run_python
from helpers.waiting import until

from pricecore import LogCorruptError, LogOptions, LogReadOnlyError, PriceEngine, WrongProcessError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


def options(folder, **more):
    return LogOptions(folder, snapshot_records=None, **more)


def test_two_engines_never_write_one_log(folder):
    with (
        PriceEngine(log=options(folder)) as engine,
        pytest.raises(LogReadOnlyError, match="another process, or another engine of this one, writes this log"),
    ):
        PriceEngine(log=options(folder))
    engine.close()
    PriceEngine(log=options(folder)).close()


def test_another_process_does_not_write_the_log_that_this_one_writes(folder):
    with PriceEngine(log=options(folder)):
        code = f"""
from pricecore import *
try:
    PriceEngine(log={str(folder)!r})
except LogReadOnlyError:
    print("refused")
"""
        assert run_python(code).stdout.strip() == "refused"


def test_a_file_is_no_log(tmp_path):
    (tmp_path / "log").write_text("x")
    with pytest.raises(LogReadOnlyError, match="a log is a folder, this is a file"):
        PriceEngine(log=tmp_path / "log")


def test_the_parent_of_a_log_has_to_be_there(tmp_path):
    with pytest.raises(LogReadOnlyError, match="folder cannot be made: No such file") as caught:
        PriceEngine(log=tmp_path / "a" / "b")
    assert caught.value.errno == errno.ENOENT


def test_snapshots_without_their_log_are_not_the_start_of_a_new_one(folder):
    with PriceEngine(log=options(folder)) as engine:
        engine.update("A", 1.0)
        engine.log.wait_durable()
        engine.log.snapshot()
    for path in files_of(folder):
        path.unlink()
    with pytest.raises(LogCorruptError, match="a snapshot of a log whose files are gone"):
        PriceEngine(log=options(folder))


def test_an_engine_that_could_not_be_made_holds_no_lock(folder):
    with pytest.raises(ValueError, match="max_symbols"):
        PriceEngine(max_symbols=-1, log=options(folder))
    PriceEngine(log=options(folder)).close()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"durability": "paper"}, "durability is 'paper'; it must be one of 'memory', 'os', 'disk'"),
        ({"full": None}, "full is None"),
        ({"rotate_bytes": 10}, "rotate_bytes is 10; it must be at least 65,536"),
        ({"rotate_s": float("nan")}, "rotate_s is nan"),
        ({"commit_interval_s": 0}, "commit_interval_s is 0; it must be 0.0001 to 1"),
        ({"keep_files": 0}, "keep_files is 0; it must be at least 1"),
        ({"snapshot_records": -5}, "snapshot_records is -5"),
    ],
)
def test_options_out_of_range_are_refused_by_name(folder, wrong, text):
    with pytest.raises(ValueError, match=text):
        LogOptions(folder, **wrong)


@pytest.mark.parametrize("wrong", [{"rotate_bytes": 1e9}, {"compress": "yes"}, {"keep_s": "1"}, {"path": 5}])
def test_options_of_a_wrong_type_are_refused(folder, wrong):
    with pytest.raises(TypeError):
        LogOptions(**({"path": folder} | wrong))


LIMITED = """
import resource, sys, warnings
from pricecore import *
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
with PriceEngine(log=LogOptions({folder!r}, snapshot_records=None, durability={durability!r})) as engine:
    for k in range(2_000):
        engine.update("A", 1.0 + k)
        if k % 50 == 0 and engine.log.error is None:
            try:
                engine.log.wait_durable(timeout_s=5)
                print("durable", engine.log.durable_sequence)
            except LogReadOnlyError as error:
                print("failed", error.errno)
    assert engine.price("A") == 2_000.0
    print(engine.log.error)
    print("durable", engine.log.durable_sequence)
    try:
        engine.log.mark(b"x")
    except LogReadOnlyError as error:
        print("mark refused")
"""


@pytest.mark.parametrize("durability", ["os", "disk"])
def test_a_file_that_may_not_grow_ends_the_log_and_not_the_engine(folder, durability):
    out = run_python(LIMITED.format(folder=str(folder), durability=durability)).stdout
    assert "write failed at byte" in out
    assert "the log takes no more records, the engine goes on without it" in out
    assert "mark refused" in out
    acknowledged = max(int(line.split()[1]) for line in out.splitlines() if line.startswith("durable"))
    with PriceEngine(log=options(folder)) as engine:
        assert engine.metrics().ring.sequence >= acknowledged
    assert read_back(folder).sequences()[:acknowledged] == list(range(1, acknowledged + 1))


@as_root
def test_a_full_disk_ends_the_log_and_the_next_writer_goes_on_behind_the_last_good_block(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(folder)], check=True)
    try:
        with PriceEngine(log=options(folder / "log")) as engine:
            engine.update("A", 1.0)
            assert engine.log.wait_durable(timeout_s=10)
            for k in range(10_000):
                engine.update("A", 1.0 + k)
            for _ in range(500):
                if engine.log.error:
                    break
                time.sleep(0.01)
            assert engine.log.error.errno == errno.ENOSPC
            durable = engine.log.durable_sequence
            assert engine.update("A", 5.0)
        subprocess.run(["mount", "-o", "remount,size=8m", str(folder)], check=True)
        with PriceEngine(log=options(folder / "log")) as engine:
            assert engine.metrics().ring.sequence == durable
            engine.update("A", 7.0)
        assert read_back(folder / "log").sequences() == list(range(1, durable + 2))
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@as_root
@pytest.mark.parametrize(("call", "durability"), [("fdatasync", "disk"), ("writev", "os")])
def test_an_error_of_the_disk_is_never_tried_again(folder, tmp_path, call, durability):
    strace = "strace"
    if subprocess.run(["which", strace], capture_output=True).returncode:
        pytest.skip("strace is not installed")
    code = f"""
import time
from pricecore import *
with PriceEngine(log=LogOptions({str(folder)!r}, snapshot_records=None, durability={durability!r})) as engine:
    for k in range(200):
        engine.update("A", 1.0 + k)
        try:
            engine.log.wait_durable(timeout_s=5)
        except LogReadOnlyError as error:
            print("error", error.errno, k)
            break
    print("durable", engine.log.durable_sequence)
"""
    command = [strace, "-f", "-qq", "-o", str(tmp_path / "calls"), "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:error=EIO:when=20+", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines["error"].split()[0] == str(errno.EIO), done.stderr
    durable = int(lines["durable"])
    injected = (tmp_path / "calls").read_text().count("INJECTED")
    assert injected in (1, 2), "the call that failed, and at most the one that closes the file"
    with PriceEngine(log=options(folder)) as engine:
        assert engine.metrics().ring.sequence >= durable > 5


@pytest.mark.parametrize("durability", ["memory", "os", "disk"])
def test_a_byte_lost_in_a_log_that_was_closed_in_order_is_damage_and_no_torn_tail(folder, durability):
    with PriceEngine(log=options(folder, durability=durability)) as engine:
        for k in range(300):
            engine.update("A", 1.0 + k)
    path = files_of(folder)[-1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(LogCorruptError, match="were on the disk"):
        PriceEngine(log=options(folder))
    assert path.read_bytes() == data


def test_a_forked_child_neither_writes_nor_closes_its_parents_log(folder):
    with PriceEngine(log=options(folder)) as engine:
        engine.update("A", 1.0)
        child = os.fork()
        if child == 0:
            try:
                for call in (
                    lambda: engine.update("A", 2.0),
                    engine.close,
                    lambda: engine.log.mark(b"x"),
                    lambda: engine.log.wait_durable(timeout_s=1),
                ):
                    with pytest.raises(WrongProcessError):
                        call()
                assert engine.price("A") == 1.0
                del engine
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        engine.update("A", 3.0)
        with pytest.raises(LogReadOnlyError):
            PriceEngine(log=options(folder))
    assert read_back(folder).sequences() == [1, 2, 3]


def test_a_child_that_outlives_its_parents_engine_does_not_keep_the_log_locked(folder):
    engine = PriceEngine(log=options(folder))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    engine.close()
    PriceEngine(log=options(folder)).close()
    os.close(write)
    os.waitpid(child, 0)


def test_a_program_that_ends_without_close_has_all_in_its_log(folder):
    code = (
        f"from pricecore import *\ne = PriceEngine(log={str(folder)!r})\nfor k in range(5000): e.update('A', 1.0 + k)"
    )
    run_python(code)
    assert read_back(folder).sequences() == list(range(1, 5_002))


def test_descriptors_and_threads_are_all_given_back(folder):
    def count():
        return [len(list(Path("/proc/self", what).iterdir())) for what in ("fd", "task")]

    with PriceEngine(log=options(folder)) as engine:
        engine.update("A", 1.0)
    before = count()
    for _ in range(20):
        with PriceEngine(log=options(folder, rotate_bytes=65_536)) as engine:
            for k in range(3_000):
                engine.update("A", 1.0 + k)
            engine.log.snapshot()
    # Fewer when threads of other tests have ended; a thread that was joined stays in the list for a moment.
    until(lambda: all(now <= then for now, then in zip(count(), before, strict=True)))
