"""Which files of a log go: the oldest, no more than the options ask for, and none that a restart needs."""

import os
import time

import pytest
from helpers.logs import files_of

from pricecore import EventLog, LogOptions, PriceEngine
from pricecore.eventlog.retention import Retention

SIZES = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 10, "pool_buffers": 4}
FILES = 6


def sizes(folder):
    return [path.stat().st_size for path in files_of(folder)]


def firsts(folder):
    return [int(path.stem) for path in files_of(folder)]


@pytest.fixture
def folder(tmp_path):
    """A log of some files, and two snapshots at its end."""
    folder = tmp_path / "log"
    options = LogOptions(folder, snapshot_records=None, rotate_bytes=65_536)
    with PriceEngine(log=options, **SIZES) as engine:
        while len(files_of(folder)) < FILES:
            engine.update("A", 1.0)
            engine.log.wait_durable()
        engine.log.snapshot()
        engine.update("A", 2.0)
        engine.log.wait_durable()
        engine.log.snapshot()
    assert len(files_of(folder)) == FILES
    assert len(files_of(folder, "snapshot")) == 2
    return folder


def apply(folder, **keep):
    with EventLog.open(folder) as log:
        log_id = log.log_id
    return Retention(folder, log_id, LogOptions(folder, **keep)).apply()


@pytest.mark.parametrize("count", range(1, FILES + 1))
def test_so_many_sealed_files_are_kept(folder, count):
    before = firsts(folder)
    gone = apply(folder, keep_files=count)
    assert gone == before[: max(FILES - 1 - count, 0)]
    assert firsts(folder) == before[len(gone) :]


@pytest.mark.parametrize(("spare_bytes", "gone"), [(0, 0), (-1, 1)])
@pytest.mark.parametrize("kept", range(1, FILES))
def test_sealed_files_of_this_size_in_all_are_kept(folder, kept, spare_bytes, gone):
    sealed = sizes(folder)[:-1]
    removed = apply(folder, keep_bytes=sum(sealed[-kept:]) + spare_bytes)
    assert len(removed) == FILES - 1 - kept + gone


def test_sealed_files_of_this_age_go(folder):
    for age_s, path in zip((500, 400, 300), files_of(folder), strict=False):
        os.utime(path, (time.time() - age_s,) * 2)
    assert len(apply(folder, keep_s=350)) == 2


def test_nothing_goes_when_nothing_is_asked_for(folder):
    assert apply(folder) == []


def test_the_file_with_the_record_behind_the_older_snapshot_stays(folder):
    """Moved to any place: of the two newest good ones the older decides, by the next record."""
    older = files_of(folder, "snapshot")[0]
    begins = firsts(folder)
    for at in (begins[2] - 2, begins[2] - 1, begins[2]):
        needed_from = at + 1
        rename_snapshot(folder, older, at)
        older = files_of(folder, "snapshot")[0]
        needed = max(first for first in begins if first <= needed_from)
        apply(folder, keep_files=1)
        assert firsts(folder)[0] == needed
        assert int(files_of(folder, "snapshot")[0].stem) == at


def rename_snapshot(folder, path, sequence):
    """Give a snapshot another sequence."""
    from pricecore.eventlog.snapshots import Snapshot, read_snapshot, write_snapshot

    with EventLog.open(folder) as log:
        log_id = log.log_id
    was = read_snapshot(path)
    path.unlink()
    write_snapshot(folder, Snapshot(was.records[:0], sequence, sequence), log_id)


@pytest.mark.parametrize("left", [0, 1])
def test_nothing_goes_before_there_are_two_good_snapshots(folder, left):
    for path in files_of(folder, "snapshot")[left:]:
        path.unlink()
    assert apply(folder, keep_files=1) == []


def test_a_damaged_snapshot_does_not_count(folder):
    path = files_of(folder, "snapshot")[0]
    path.write_bytes(path.read_bytes()[:-1])
    assert apply(folder, keep_files=1) == []


def test_what_is_left_is_a_whole_log_with_its_prices(folder):
    assert apply(folder, keep_files=1)
    with PriceEngine(log=LogOptions(folder), **SIZES) as engine:
        assert engine.price("A") == 2.0
    with EventLog.open(folder) as log:
        assert log.first_sequence > 1
        assert sum(len(records) for records in log) == log.last_sequence - log.first_sequence + 1


def test_a_reader_goes_on_with_the_oldest_file_that_is_left(folder):
    with EventLog.open(folder) as log:
        blocks = iter(log)
        first = next(blocks)
        apply(folder, keep_files=1)
        seen = [int(records["sequence"][0]) for records in blocks]
        assert seen
        assert first["sequence"][0] == 1
        missing = [gap for gap in log.gaps if gap.reason == "removed"]
        total = sum(gap.last_sequence - gap.first_sequence + 1 for gap in missing)
        assert total + sum(len(records) for records in EventLog.open(folder)) <= log.last_sequence
