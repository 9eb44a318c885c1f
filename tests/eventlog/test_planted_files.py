"""Links and pipes under the names of a log's files: nothing behind them is written, and nobody waits."""

import os
import stat

import pytest
from helpers.recorded import name_record, stream, trade
from helpers.writers import SMALL
from models.log_model import LogModel, cut, flip

from pricecore import EventLog, LogCorruptError, LogReadOnlyError, PriceEngine
from pricecore.eventlog.layout import LOCK_NAME, file_name
from pricecore.eventlog.log_index import index_path, write_index
from pricecore.eventlog.repairing import repair
from pricecore.eventlog.snapshots import Snapshot, newest_good, read_snapshot, write_snapshot
from pricecore.eventlog.state import State
from pricecore.eventlog.verifying import verify
from pricecore.primitives.new_file import create_file

PRIVATE = b"of no log"
LOG_ID = bytes(range(16))
_STATE = State()
_STATE.apply(stream(name_record(1, 0, b"A"), name_record(2, 1, b"B"), trade(3, 0, 1.5), trade(4, 1, 2.5)))
SNAPSHOT = Snapshot(_STATE.records(), 4, 4)


@pytest.fixture
def model(tmp_path) -> LogModel:
    model = LogModel(tmp_path / "log")
    model.fill(blocks=4, records=4)
    model.begin()
    model.fill(blocks=2, records=4)
    return model


@pytest.fixture
def victim(tmp_path):
    """A file that a planted link leads to."""
    victim = tmp_path / "victim"
    victim.write_bytes(PRIVATE)
    return victim


def plant(kind, path, victim):
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "hard link":
        os.link(victim, path)
    else:
        path.symlink_to(victim if kind == "link" else path.with_name("nowhere"))


KINDS = pytest.mark.parametrize("kind", ["link", "hard link", "dangling link", "pipe"])


@KINDS
def test_a_new_file_takes_the_place_of_what_was_planted(tmp_path, victim, kind):
    path = tmp_path / "draft"
    plant(kind, path, victim)
    with create_file(path) as file:
        file.write(b"new")
    assert (path.read_bytes(), victim.read_bytes()) == (b"new", PRIVATE)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert not path.with_name("nowhere").exists()


@KINDS
def test_repair_writes_through_no_link_and_keeps_the_log_its_owners_alone(model, victim, kind):
    name = file_name(1, "log")
    flip(model.folder / name, 8 * 500)
    plant(kind, model.folder / f"{name}.tmp", victim)
    old_mask = os.umask(0)
    try:
        report = repair(model.folder)
    finally:
        os.umask(old_mask)
    assert report.damages
    assert verify(model.folder).ok
    assert victim.read_bytes() == PRIVATE
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in [model.folder / name])


@KINDS
def test_an_index_is_written_through_no_link(model, victim, kind):
    path = model.folder / file_name(1, "log")
    index = index_path(str(path))
    plant(kind, index.with_name(f"{index.name}.tmp"), victim)
    write_index(path)
    assert victim.read_bytes() == PRIVATE
    assert stat.S_IMODE(index.stat().st_mode) == 0o600


@KINDS
def test_a_snapshot_is_written_through_no_link(tmp_path, victim, kind):
    folder = tmp_path / "log"
    folder.mkdir()
    plant(kind, folder / f"{file_name(4, 'snapshot')}.tmp", victim)
    written = write_snapshot(folder, SNAPSHOT, LOG_ID)
    assert (read_snapshot(written).sequence, victim.read_bytes()) == (4, PRIVATE)
    assert stat.S_IMODE(written.lstat().st_mode) == 0o600


@KINDS
def test_an_export_is_written_through_no_link(model, tmp_path, victim, kind):
    out = tmp_path / "out.csv"
    plant(kind, tmp_path / f"out.csv.{os.getpid()}.tmp", victim)
    with EventLog.open(model.folder) as log:
        log.export(out, "csv")
    assert out.read_bytes().count(b"\n") > 10
    assert not out.is_symlink()
    assert victim.read_bytes() == PRIVATE


def test_a_pipe_under_the_name_of_a_snapshot_keeps_nobody_waiting(tmp_path):
    folder = tmp_path / "log"
    with PriceEngine(log=folder, **SMALL) as engine:
        engine.update("A", 1.5)
    pipe = folder / file_name(9, "snapshot")
    os.mkfifo(pipe)
    with pytest.raises(LogCorruptError, match="a pipe or a device"):
        read_snapshot(pipe)
    assert newest_good(folder, LOG_ID) is None
    assert not verify(folder).ok
    with PriceEngine(log=folder, **SMALL) as engine:
        assert engine.price("A") == 1.5


def test_a_pipe_under_the_name_of_an_index_keeps_nobody_waiting(model):
    index = index_path(str(model.folder / file_name(1, "log")))
    plant("pipe", index, None)
    with EventLog.open(model.folder) as log:
        assert sum(map(len, log)) == len(log)


def test_a_pipe_under_the_name_of_the_lock_keeps_nobody_waiting(model):
    plant("pipe", model.folder / LOCK_NAME, None)
    cut(model.path, model.path.stat().st_size - 8)
    with EventLog.open(model.folder) as log:
        assert log.torn is not None, "whose writer is asked for"


def test_a_pipe_under_the_name_of_a_log_file_keeps_nobody_waiting(model):
    plant("pipe", model.folder / file_name(1, "log"), None)
    for use in (lambda: PriceEngine(log=model.folder, **SMALL), lambda: list(EventLog.open(model.folder))):
        with pytest.raises(LogCorruptError, match="a pipe or a device"):
            use()
    assert not verify(model.folder).ok


def test_a_link_under_the_name_of_the_lock_is_refused(model, victim):
    plant("dangling link", model.folder / LOCK_NAME, victim)
    with pytest.raises(LogReadOnlyError, match="no log can be written here"):
        PriceEngine(log=model.folder)
    assert not (model.folder / "nowhere").exists()


def test_a_torn_tail_is_cut_off_behind_no_link(model, tmp_path):
    """What a link leads to is another log's file: not this writer's to cut."""
    live = max(model.folder.glob("*.log"))
    elsewhere = tmp_path / "elsewhere.log"
    content = live.read_bytes()[:-8]
    elsewhere.write_bytes(content)
    live.unlink()
    live.symlink_to(elsewhere)
    with pytest.raises(LogReadOnlyError, match="no log can be written here"):
        PriceEngine(log=model.folder)
    assert elsewhere.read_bytes() == content
