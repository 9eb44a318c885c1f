"""A log is written, rotated, compressed, trimmed and repaired while it is read."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from models.log_model import RECORD, LogModel, cut, fix_checksums, put

from pricecore import EventLog, LogCorruptError, LogNotFoundError
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.log_files import LogFiles
from pricecore.eventlog.reading import Reading

WAIT_S = 60.0  # only against hangs


@pytest.fixture
def model(tmp_path) -> LogModel:
    return LogModel(tmp_path / "log")


def joined(blocks) -> bytes:
    return b"".join(block.tobytes() for block in blocks)


def rest(model: LogModel, sequence: int) -> bytes:
    return b"".join(record for record in model.records if RECORD.unpack(record)[0] >= sequence)


def files(model: LogModel, count: int) -> LogModel:
    """Write as many files of eight records."""
    for k in range(count):
        if k:
            model.begin()
        model.fill(blocks=2, records=4)
    return model


def test_iterating_ends_where_the_log_ended_at_open_until_it_is_refreshed(model):
    files(model, 1)
    with EventLog.open(model.folder) as log:
        before = b"".join(model.records)
        files(model, 1)
        assert (joined(log), len(log)) == (before, 8)
        log.refresh()
        assert (joined(log), len(log), log.last_sequence) == (b"".join(model.records), 16, 16)


def test_refresh_goes_on_into_later_files(model):
    files(model, 1)
    with EventLog.open(model.folder) as log:
        for _ in range(3):
            model.fill(1)
            model.begin()
            model.symbol(f"S{len(model.symbols)}")
            model.fill(1)
            log.refresh()
            assert joined(log) == b"".join(model.records)
            assert log.symbols()[-1] == f"S{len(model.symbols) - 1}"


def test_an_iterator_goes_on_over_files_that_were_begun_meanwhile(model):
    files(model, 2)
    with EventLog.open(model.folder) as log:
        blocks = log.blocks()
        found = [next(blocks)]
        files(model, 2)
        log.refresh()
        assert joined([*found, *blocks]) == rest(model, 1)[: 64 * 16]


def test_what_retention_removed_before_it_was_read_is_a_gap(model):
    files(model, 4)
    with EventLog.open(model.folder) as log:
        blocks = log.blocks()
        found = [next(blocks)]
        for first in (1, 9, 17):
            (model.folder / file_name(first, "log")).unlink()
        found += blocks
        assert joined(found) == b"".join(model.records[:8]) + rest(model, 25)
        assert [(gap.first_sequence, gap.last_sequence, gap.reason) for gap in log.gaps] == [(9, 24, "removed")]


def test_a_start_that_retention_removed_is_a_gap(model):
    files(model, 3)
    with EventLog.open(model.folder) as log:
        (model.folder / file_name(1, "log")).unlink()
        assert joined(log.blocks(3)) == rest(model, 9)
        assert log.gaps == ((3, 8, "removed"),)


def test_a_file_removed_in_the_middle_is_no_retention(model):
    files(model, 3)
    with EventLog.open(model.folder) as log:
        blocks = log.blocks()
        next(blocks)
        (model.folder / file_name(9, "log")).unlink()
        with pytest.raises(LogCorruptError, match="a file between them is missing"):
            list(blocks)


def test_a_folder_that_is_emptied_while_it_is_read_is_an_error(model):
    files(model, 3)
    with EventLog.open(model.folder) as log:
        blocks = log.blocks()
        next(blocks)
        for path in model.folder.iterdir():
            path.unlink()
        with pytest.raises(LogNotFoundError):
            list(blocks)


def rewritten(model: LogModel, first: int) -> None:
    """Write a file anew under its name, as compressing does: other bytes, other places, the same records."""
    path = model.folder / file_name(first, "log")
    other = LogModel(model.folder.with_name("other"), first_sequence=first)
    other.symbols = [record for record in model.symbols if RECORD.unpack(record)[0] < first]
    other.begin()
    for record in model.records[first - 1 : first + 7]:
        other.staged, other.next_sequence = [record], RECORD.unpack(record)[0] + 1
        other.write()
    put(other.path, 12, b"\x01")
    fix_checksums(other.path)
    os.replace(other.path, path)  # noqa: PTH105


def test_a_file_that_is_written_anew_while_it_is_read_gives_the_same_records(model):
    files(model, 3)
    with EventLog.open(model.folder) as log:
        assert joined(log.blocks(11)) == rest(model, 11)  # now it knows the places of the old file
        blocks = log.blocks()
        found = [next(blocks)]
        rewritten(model, 1)
        rewritten(model, 9)
        assert joined([*found, *blocks]) == rest(model, 1)
        for start in range(1, 25):
            assert joined(log.blocks(start)) == rest(model, start)


class Busy(LogFiles):
    """Files whose writer appends and rotates just when somebody looks whether there is a next one."""

    model: LogModel

    def behind(self, first_sequence: int) -> int | None:
        self.model.fill(1)
        self.model.begin()
        return super().behind(first_sequence)


def test_what_was_written_just_before_the_next_file_began_is_read(model):
    files(model, 1)
    busy = Busy(model.folder)
    busy.model = model
    reading = Reading(busy, 1, lambda gap: None)
    found = [reading.next().records for _ in range(6)]
    reading.close()
    assert joined(found) == b"".join(model.records[:24])


class Begun(LogFiles):
    """Files whose second one is just being begun, until somebody looks whether there is one behind it: then it is
    complete, and there is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        second, third = sorted(folder.glob("*.log"))[1:]
        self.whole = {path: path.read_bytes() for path in (second, third)}
        second.write_bytes(self.whole[second][:10])
        third.unlink()

    def behind(self, first_sequence: int) -> int | None:
        if first_sequence == 9:
            for path, content in self.whole.items():
                path.write_bytes(content)
        return super().behind(first_sequence)


@pytest.mark.parametrize("start", [1, 9])
def test_a_file_that_was_completed_between_two_looks_is_no_damage(model, start):
    reading = Reading(Begun(files(model, 3).folder), start, lambda gap: None)
    found = list(iter(reading.next, None))
    found += iter(reading.next, None)  # it may have been seen just begun, and looked at again
    reading.close()
    assert joined(block.records for block in found) == rest(model, start)


class Follower(threading.Thread):
    """Follows a log in a thread of its own, until it has as many records."""

    def __init__(self, folder, start, count):
        super().__init__(daemon=True)
        self.log = EventLog.open(folder)
        self.blocks = self.log.tail(start=start, timeout_s=WAIT_S)
        self.count = count
        self.found: list[np.ndarray] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            while sum(len(block) for block in self.found) < self.count:
                self.found.append(next(self.blocks))
        except Exception as error:
            self.error = error

    def result(self) -> bytes:
        self.join(WAIT_S)
        self.blocks.close()
        self.log.close()
        assert self.error is None, self.error
        return joined(self.found)


def test_a_follower_gets_what_comes_from_file_to_file(model):
    model.symbol("A")
    model.write()
    follower = Follower(model.folder, 1, 81)
    for k in range(80):
        model.price(0, float(k))
        model.write()
        if k % 20 == 19:
            model.begin()
    assert follower.result() == b"".join(model.records)


def test_a_follower_begins_behind_what_is_there(model):
    files(model, 2)
    follower = Follower(model.folder, None, 4)
    model.fill(1)
    assert follower.result() == rest(model, 17)


@pytest.mark.parametrize("start", [1, 5, 15, 17, 19])
def test_a_follower_begins_anywhere(model, start):
    files(model, 2)
    follower = Follower(model.folder, start, 21 - start)
    model.fill(1)
    assert follower.result() == rest(model, start)


def test_a_follower_never_takes_a_block_before_it_is_whole(model):
    """A block grows byte by byte under its eyes."""
    files(model, 1)
    with EventLog.open(model.folder) as log:
        tail = log.tail(start=9, timeout_s=0.0)
        assert list(tail) == []
        size = model.path.stat().st_size
        model.fill(1)
        whole = model.path.read_bytes()
        for length in range(size, len(whole)):
            cut(model.path, length)
            assert list(log.tail(start=9, timeout_s=0.0)) == []
            model.path.write_bytes(whole)
        assert joined(log.tail(start=9, timeout_s=0.0)) == rest(model, 9)


def test_a_follower_outlives_a_writer_that_dies_and_the_one_that_cuts_its_tail(model):
    files(model, 1)
    with EventLog.open(model.folder) as log:
        tail = log.tail(start=1, timeout_s=0.05)
        found = [next(tail), next(tail)]
        size = model.path.stat().st_size
        with model.path.open("ab") as file:
            file.write(b"PCB1 and the rest of a block that never came")
        follower = threading.Thread(target=lambda: found.extend(log.tail(start=9, timeout_s=1.0)))
        follower.start()
        time.sleep(0.02)
        cut(model.path, size)
        model.begin()
        model.fill(1)
        follower.join(WAIT_S)
    assert joined(found) == b"".join(model.records)


def test_a_follower_finds_a_file_that_was_begun_anew(model):
    """A writer without a record leaves a file that the next one removes and makes again."""
    with EventLog.open(model.folder) as log:
        tail = log.tail(start=1, timeout_s=2.0)
        found: list[np.ndarray] = []
        follower = threading.Thread(target=lambda: found.append(next(tail)))
        follower.start()
        time.sleep(0.02)
        model.path.unlink()
        time.sleep(0.1)  # with no file at all
        model.head = {"generation": 2}
        model.begin()
        model.fill(1)
        follower.join(WAIT_S)
        tail.close()
    assert joined(found) == b"".join(model.records)


def test_a_follower_of_a_log_whose_files_are_all_gone_is_told(model):
    files(model, 1)
    with EventLog.open(model.folder) as log:
        tail = log.tail(start=1)
        next(tail)
        for path in model.folder.iterdir():
            path.unlink()
        with pytest.raises(LogNotFoundError):
            list(tail)


def test_a_follower_ends_after_its_time(model):
    files(model, 1)
    with EventLog.open(model.folder) as log:
        assert joined(log.tail(start=3, timeout_s=0.0)) == rest(model, 3)
        assert list(log.tail(timeout_s=0.01)) == []
        assert joined(log.tail(follow=False, start=3)) == rest(model, 3)


@pytest.mark.parametrize(("timeout_s", "error"), [(-1.0, ValueError), (float("nan"), ValueError), ("1", TypeError)])
def test_a_time_that_is_none_is_refused(model, timeout_s, error):
    with EventLog.open(model.folder) as log, pytest.raises(error, match="timeout_s"):
        log.tail(timeout_s=timeout_s)


def test_a_follower_whose_folder_is_removed_ends_with_an_error(model):
    files(model, 1)
    with EventLog.open(model.folder) as log:
        tail = log.tail(timeout_s=WAIT_S)
        model.path.unlink()
        with pytest.raises(LogNotFoundError):
            list(tail)


def test_a_follower_at_damage_ends_with_an_error(model):
    files(model, 1)
    with EventLog.open(model.folder) as log:
        tail = log.tail(start=1, timeout_s=WAIT_S)
        assert joined([next(tail), next(tail)]) == b"".join(model.records)
        begin = model.path.stat().st_size
        model.fill(1)
        model.price(0, 1.0)
        model.write(synced=12)
        put(model.path, begin + 70, b"?")
        with pytest.raises(LogCorruptError, match="are missing"):
            next(tail)


def test_a_gap_that_is_written_after_somebody_asked_for_gaps_is_told(model):
    files(model, 1)
    model.begin()
    with EventLog.open(model.folder) as log:
        assert log.gaps == ()
        model.gap(5)
        log.refresh()
        assert [gap[:2] for gap in log.gaps] == [(9, 13)]
        assert len(log) == 8


WRITER = """
import sys, pricecore
options = pricecore.LogOptions(sys.argv[1], rotate_bytes=65_536)
with pricecore.PriceEngine(log=options) as engine:
    for i in range(int(sys.argv[2])):
        engine.update(f"S{i % 10}", 1.0 + i)
"""

FOLLOWER = """
import sys, pricecore
with pricecore.EventLog.open(sys.argv[1]) as log:
    print("following", flush=True)
    for records in log.tail():
        pass
"""


def test_the_log_of_another_process_is_followed_while_it_writes(tmp_path):
    folder, updates = tmp_path / "log", 20_000
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(updates)])
    try:
        log = opened_when_there(folder)
        sequences = []
        for records in log.tail(start=1, timeout_s=WAIT_S):
            sequences += records["sequence"].tolist()
            if len(sequences) >= updates + 10:
                break
        assert writer.wait(WAIT_S) == 0
    finally:
        writer.kill()
        writer.wait()
    assert sequences == list(range(1, updates + 11))
    log.refresh()
    assert len(log) == updates + 10
    assert len(list(folder.glob("*.log"))) > 2
    log.close()


def opened_when_there(folder) -> EventLog:
    deadline_s = time.monotonic() + WAIT_S
    while True:
        try:
            return EventLog.open(folder)
        except LogNotFoundError:
            assert time.monotonic() < deadline_s
            time.sleep(0.001)


def test_a_follower_ends_with_ctrl_c(model):
    files(model, 1)
    command = [sys.executable, "-c", FOLLOWER, str(model.folder)]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert follower.stdout.readline() == "following\n"
    time.sleep(0.05)
    follower.send_signal(signal.SIGINT)
    _, errors = follower.communicate(timeout=WAIT_S)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "ResourceWarning" not in errors
