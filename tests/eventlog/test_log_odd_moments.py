"""Files that end at odd places, folders that go away, clocks that step, options at the ends of their ranges."""

import asyncio
import errno
import os
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from helpers.logs import files_of, read_back
from helpers.odd_disk import build_odd_disk, on_odd_disk
from helpers.recorded import name_record, stream, trade
from helpers.subprocesses import run_python
from helpers.waiting import until

from pricecore import EventLog, LogCorruptError, LogOptions, PriceEngine
from pricecore.eventlog.opening import UNSYNCED_FILES, open_to_write

SIZES = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 10, "pool_buffers": 4}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


def options(folder, **more):
    return LogOptions(folder, **({"snapshot_records": None, "commit_interval_s": 0.0001} | more))


def write_files(folder, count, **more):
    """Write a log of as many files; return its last sequence."""
    with PriceEngine(log=options(folder, rotate_bytes=65_536, **more), **SIZES) as engine:
        while len(files_of(folder)) < count:
            engine.update("A", 1.0)
            engine.log.wait_durable()
        return engine.log.written_sequence


def test_a_position_behind_the_last_record_of_a_sealed_file_is_not_lost(folder):
    """The file that has it has no records, and is made anew by the next writer."""
    with EventLog.writer(folder, rotate_bytes=65_536) as log:
        log.append(stream(name_record(1, 0, b"A")))
        log.mark(b"old")
        log.append(stream(*(trade(k, 0, 1.0) for k in range(2, 2_000))))
        assert len(files_of(folder)) == 2
        log.mark(b"new")
    for _ in range(2):
        with PriceEngine(log=options(folder), **SIZES) as engine:
            assert engine.log.source_position == b"new"
    generations = [head["generation"] for head in read_back(folder).heads]
    assert generations == [1, 3]
    with EventLog.open(folder) as log:
        assert (log.source_position, log.source_position_sequence) == (b"new", 1_999)


def test_a_mark_that_comes_late_stands_alone_before_the_records_that_are_there_already(folder):
    """Its records were written before it came; those behind it are not from before that place of the source."""
    with PriceEngine(log=options(folder, commit_interval_s=0.2), **SIZES) as engine:
        for k in range(6):
            engine.update("A", 1.0 + k)
            engine.log.wait_durable()
            engine.log.mark(b"%d" % (k + 2))
            engine.update("A", 1.0)
            engine.log.wait_durable()
            engine.log.mark(b"%d" % engine.metrics().ring.sequence)
            engine.log._kick()
    for sequence, position in read_back(folder).positions[1::2]:
        assert sequence == int(position)


def test_what_memory_writes_after_a_second_is_told_without_another_record(folder):
    with PriceEngine(log=options(folder, durability="memory"), **SIZES) as engine:
        engine.update("A", 1.0)
        until(lambda: engine.log.written_sequence == 2)
        assert engine.log.stats().backlog == 0
        assert engine.log.stats().bytes_written == sum(path.stat().st_size for path in files_of(folder))


def test_figures_follow_when_a_position_alone_is_written(folder):
    with PriceEngine(log=options(folder), **SIZES) as engine:
        engine.log.mark(b"begin")
        until(lambda: engine.log.stats().blocks == 1)
        assert engine.log.stats().bytes_written == sum(path.stat().st_size for path in files_of(folder))


@pytest.mark.parametrize("change", [lambda data: data[:-10], lambda data: data + b"x" * 64], ids=["short", "long"])
def test_a_sealed_file_with_a_torn_end_is_no_crash_when_another_one_follows(folder, change):
    write_files(folder, 2)
    sealed, live = files_of(folder)
    live.write_bytes(live.read_bytes()[:128])  # its records are gone
    changed = change(sealed.read_bytes())
    sealed.write_bytes(changed)
    with pytest.raises(LogCorruptError) as caught:
        PriceEngine(log=options(folder), **SIZES)
    assert caught.value.file == str(sealed)
    assert sealed.read_bytes() == changed, "it was not touched"


def test_a_sealed_file_that_lacks_whole_blocks_is_damaged_when_another_one_follows(folder):
    write_files(folder, 2)
    sealed, live = files_of(folder)
    live.write_bytes(b"")
    sealed.write_bytes(sealed.read_bytes()[:-128])
    with pytest.raises(LogCorruptError, match=r"ends with sequence \d+, and the next file begins with \d+"):
        PriceEngine(log=options(folder), **SIZES)


def test_a_live_file_with_nothing_in_it_is_made_anew(folder):
    last = write_files(folder, 2)
    files_of(folder)[-1].write_bytes(b"")
    first_of_live = int(files_of(folder)[-1].stem)
    with PriceEngine(log=options(folder), **SIZES) as engine:
        assert engine.metrics().ring.sequence == first_of_live - 1 <= last
        engine.update("A", 5.0)
    assert read_back(folder).sequences() == list(range(1, first_of_live + 1))


def test_a_snapshot_that_holds_more_than_its_log_is_set_aside(folder):
    """What comes has the same sequences: the snapshot would be taken for one of those."""
    with PriceEngine(log=options(folder), **SIZES) as engine:
        engine.update("A", 1.0)
        engine.log.wait_durable()
        size = files_of(folder)[0].stat().st_size
        engine.update("A", 99.0)
        engine.log.wait_durable()
        engine.log.snapshot()
    data = files_of(folder)[0].read_bytes()
    files_of(folder)[0].write_bytes(data[:size])  # as a repair may leave it
    with PriceEngine(log=options(folder), **SIZES) as engine:
        assert engine.price("A") == 1.0
        for _ in range(5):
            engine.update("A", 2.0)
    assert [path.name for path in folder.glob("*.beyond")] == ["00000000000000000003.snapshot.beyond"]
    with PriceEngine(log=options(folder), **SIZES) as engine:
        assert engine.price("A") == 2.0


def test_what_a_killed_writer_left_unsynced_is_synced_before_it_counts(folder, tmp_path):
    write_files(folder, UNSYNCED_FILES + 3)
    code = """
    log = EventLog.writer(folder)
    counts = [syncs(path) for path in files_of(folder)]
    print(*counts)
    """
    out = on_odd_disk(build_odd_disk(tmp_path), code, folder).split()
    assert [int(count) > 0 for count in out[-UNSYNCED_FILES - 1 : -1]] == [True] * UNSYNCED_FILES


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with PriceEngine(log=options("log", rotate_bytes=65_536, keep_files=1), **SIZES) as engine:
        os.chdir("elsewhere")
        for _ in range(4_000):
            engine.update("A", 1.0)
        engine.log.snapshot()
        engine.log.snapshot()
    assert list(Path(tmp_path, "elsewhere").iterdir()) == []
    assert files_of(tmp_path / "log", "snapshot")


def test_a_path_with_any_bytes_in_it_is_a_path(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/l\xff\n%s"))
    with PriceEngine(log=options(folder), **SIZES) as engine:
        engine.update("A", 1.0)
        engine.log.snapshot()
        engine.log.stats()
        repr(engine.log)
    with PriceEngine(log=options(folder), **SIZES) as engine:
        assert engine.price("A") == 1.0


def test_a_folder_that_goes_away_ends_the_log_at_the_next_file_and_not_the_engine(folder):
    with PriceEngine(log=options(folder, rotate_bytes=65_536), **SIZES) as engine:
        engine.update("A", 1.0)
        engine.log.wait_durable()
        shutil.rmtree(folder)
        until(lambda: engine.update("A", 2.0) and engine.log.error)
        assert engine.log.error.errno == errno.ENOENT
        assert "create failed at byte 0" in str(engine.log.error)
        for k in range(3 * SIZES["ring_capacity"]):  # nobody holds the ring any more
            assert engine.update("A", 3.0 + k)
        with pytest.raises(type(engine.log.error)):
            engine.log.snapshot()
    assert not folder.exists()


def test_a_long_commit_interval_does_not_let_a_small_ring_fill_up(folder):
    with PriceEngine(log=options(folder, commit_interval_s=1.0, full="raise"), **SIZES) as engine:
        time.sleep(0.3)  # its sleeps have become long
        for k in range(8):
            for _ in range(300):
                engine.update("A", 1.0 + k)
            time.sleep(0.1)
    assert len(EventLog.open(folder)) == 2_401


def test_a_head_of_many_symbols_is_never_most_of_the_log(folder):
    with PriceEngine(log=options(folder, rotate_bytes=65_536), max_symbols=8_192, ring_capacity=16_384) as engine:
        engine.register([f"S{k}" for k in range(8_000)])
        for k in range(200):
            engine.update("S1", 1.0 + k)
            engine.log.wait_durable()
    sizes = [path.stat().st_size for path in files_of(folder)]
    assert len(sizes) <= 8, f"{len(sizes)} files for {8_200 * 64:,} bytes of records"


CLOCK = """
import ctypes, os, time, sys
from pathlib import Path
from pricecore import *
odd = ctypes.CDLL(sys.argv[1])
odd.odd_clock_step.argtypes = [ctypes.c_int64]
folder = Path(sys.argv[2])
with PriceEngine(log=LogOptions(folder, rotate_s=0.02, snapshot_records=None), max_symbols=1024) as engine:
    odd.odd_clock_step(int(sys.argv[3]) * 10**9)
    files = set()
    for k in range(10):
        engine.update("A", 1.0 + k)
        engine.log.wait_durable()
        time.sleep(0.03)
print(len(list(folder.glob("*.log"))))
"""


@pytest.mark.parametrize("step_s", [-3_600, 0, 3_600])
def test_a_step_of_the_wall_clock_neither_delays_nor_hastens_a_rotation_by_time(folder, tmp_path, step_s):
    compiler = shutil.which("cc") or shutil.which("gcc")
    source, library = Path(__file__).parents[1] / "native" / "odd_clock.c", tmp_path / "odd_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    preload = f"{os.environ.get('LD_PRELOAD', '')} {library}".strip()
    done = run_python(CLOCK, str(library), str(folder), str(step_s), LD_PRELOAD=preload)
    assert done.returncode == 0, done.stderr
    assert 4 <= int(done.stdout) <= 12


@pytest.mark.parametrize("sequence", [-1, 2**63, 2**70])
def test_a_wait_for_a_sequence_that_cannot_be_is_refused(folder, sequence):
    with PriceEngine(log=options(folder), **SIZES) as engine:
        with pytest.raises(ValueError, match=rf"sequence is {sequence}; it must lie between 0 and 2\*\*63 - 1"):
            engine.log.wait_durable(sequence, timeout_s=0)
        with pytest.raises(ValueError, match="it must lie between"):
            asyncio.run(engine.log.durable(sequence))


@pytest.mark.parametrize("sequence", ["5", 1.5, True])
def test_a_wait_for_what_is_no_sequence_is_refused(folder, sequence):
    with PriceEngine(log=options(folder), **SIZES) as engine, pytest.raises(TypeError, match="sequence must be an int"):
        engine.log.wait_durable(sequence, timeout_s=0)


def test_names_of_a_refused_array_are_not_kept(folder):
    with EventLog.writer(folder) as log:
        with pytest.raises(ValueError, match="record 2: its name has an id already"):
            log.append(stream(name_record(1, 0, b"A"), name_record(2, 1, b"A")))
        assert log.append(stream(name_record(1, 0, b"B"), name_record(2, 1, b"A"))) == 2
    with EventLog.open(folder) as log:
        assert log.symbol_records()["name"].tolist() == [b"B", b"A"]


def test_more_names_than_there_is_room_for_are_refused_as_a_whole(folder):
    names = [name_record(k + 1, k, b"S%d" % k) for k in range(1_030)]
    with EventLog.writer(folder, max_symbols=1_024) as log:
        with pytest.raises(ValueError, match="record 1025: all 1024 symbols are taken; pass max_symbols"):
            log.append(stream(*names))
        assert log.append(stream(*names[:1_024])) == 1_024


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root: becomes somebody else")
def test_a_parent_that_may_be_entered_but_not_read_is_good_enough():
    code = """
import os, sys
from pricecore.eventlog.opening import open_to_write
os.chown(sys.argv[1], 65534, 65534)
os.setgid(65534), os.setuid(65534)
open_to_write(sys.argv[1] + "/log").close()
print("good")
"""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as parent:
        Path(parent).chmod(0o300)
        done = run_python(code, parent)
    assert done.stdout == "good\n", done.stderr


def test_a_lock_that_a_child_is_about_to_drop_is_waited_for(folder):
    """A child that was just forked holds a copy of its parent's lock until it comes to close it."""
    first = open_to_write(folder)
    threading.Timer(0.1, first.close).start()
    open_to_write(folder).close()


def test_all_files_of_a_log_are_their_owners_alone(folder):
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        with PriceEngine(log=options(folder, rotate_bytes=65_536), **SIZES) as engine:
            while len(files_of(folder)) < 3:
                engine.update("A", 1.0)
                engine.log.wait_durable()
            engine.log.snapshot()
            until(lambda: files_of(folder, "index"))
    finally:
        os.umask(before)
    kinds = {path.suffix: path.stat().st_mode & 0o777 for path in folder.iterdir() if path.suffix != ".index"}
    assert kinds == {".log": 0o600, ".snapshot": 0o600, "": 0o600}


def test_a_snapshot_that_does_not_fit_is_taken_back_and_tried_again_later(folder):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with PriceEngine(log=options(folder, snapshot_records=1_500, rotate_bytes=65_536), **SIZES) as engine:
        engine.register([f"S{k}" for k in range(1_000)])
        engine.log.wait_durable()
        resource.setrlimit(resource.RLIMIT_FSIZE, (180_000, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                engine.log.snapshot()
            assert [path.name for path in folder.iterdir() if "snapshot" in path.name] == []
            engine.update("S1", 5.0)
            assert engine.log.wait_durable(timeout_s=60)
            for k in range(600):
                engine.update("S1", 5.0 + k)
            until(lambda: engine.log._not_before_s > time.monotonic() + 5)  # the keeper has tried, and will not at once
            assert engine.log.error is None
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert engine.log.snapshot() > 1_000
    with PriceEngine(log=options(folder), **SIZES) as engine:
        assert engine.price("S1") == 604.0
