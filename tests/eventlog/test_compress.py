"""Compressed files hold every record as before; whatever goes wrong meanwhile, the log is whole."""

import errno
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.compressed import require_zstd
from helpers.fork import run_in_child
from models.log_model import RECORD, VOID, LogModel, cut, flip

import pricecore
from pricecore.errors import LogCorruptError, LogReadOnlyError
from pricecore.eventlog import compressing, rewriting
from pricecore.eventlog.blocks import BlockReader
from pricecore.eventlog.compressing import compress_file, compress_log
from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.files import remove_drafts
from pricecore.eventlog.heads import open_log_file, read_head
from pricecore.eventlog.joining import JOINED_RECORDS
from pricecore.eventlog.log_index import load_index
from pricecore.eventlog.scanning import scan_file
from pricecore.eventlog.verifying import verify

require_zstd()

GAP_AT = 3


def make_log(folder: Path, files: int = 4, blocks: int = 40) -> LogModel:
    """Write a log of short blocks: trades, quotes, a VOID, positions of all sorts, and a gap."""
    log = LogModel(folder)
    names = [log.symbol(f"TEST:SYMBOL{i}") for i in range(3)]
    for file in range(files):
        if file == GAP_AT - 1:
            log.gap(5, names=["TEST:LOST"])
        elif file:
            log.begin()
        for number in range(blocks):
            for k in range(1 + number % 4):
                log.price(names[k % 3], 61_000.0 + number / 4)
                log.quote(names[k % 3], 61_000.0 + k / 4)
            if number % 7 == 3:
                log.void()
            log.write(b"line %d" % log.next_sequence if number % 5 == 2 else b"", synced=max(log.next_sequence - 40, 0))
            if number % 11 == 5:
                log.mark(b"mark %d" % log.next_sequence)
    return log


def big_log(folder: Path, files: int = 3, records: int = 3_000) -> LogModel:
    """Write a log of files that compress well."""
    log = LogModel(folder)
    symbol_id = log.symbol("TEST:SYMBOL")
    for file in range(files):
        if file:
            log.begin()
        for k in range(records):
            log.quote(symbol_id, 61_000.0 + k % 16 / 4)
            if k % 10 == 9:
                log.write()
    return log


def records_in(folder: Path) -> np.ndarray:
    return np.concatenate(list(EventLog.open(folder)))


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


def blocks_of(path: Path) -> list:
    file = open_log_file(str(path))
    head = read_head(file.descriptor, str(path))
    reader = BlockReader(file, str(path))
    reader.start(head.size_bytes, head.first_sequence, head.crc, len(head.symbols))
    found = []
    while block := reader.next():
        found.append(block)
    file.close()
    return found


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".index"}


def positions_of(path: Path) -> list[tuple[int, bytes]]:
    """Return each position with the last record that comes from before it."""
    return [(block.last_sequence, block.position) for block in blocks_of(path) if block.position]


def test_every_record_gap_symbol_and_position_is_there_as_before(tmp_path):
    log = make_log(tmp_path / "log")
    before = EventLog.open(log.folder)
    gaps, symbols, position = before.gaps, before.symbols(), before.source_position
    report = compress_log(log.folder)
    after = EventLog.open(log.folder)
    assert records_in(log.folder).tobytes() == b"".join(log.records)
    assert (after.gaps, after.symbols(), after.source_position) == (gaps, symbols, position)
    assert [Path(file.path) for file in report.files] == files_of(log.folder)[:-1]
    assert VOID in records_in(log.folder)["kind"]
    assert verify(log.folder).ok


def test_files_become_smaller_and_the_report_says_by_how_much(tmp_path):
    log = big_log(tmp_path / "log")
    before = [path.stat().st_size for path in files_of(log.folder)]
    report = compress_log(log.folder)
    after = [path.stat().st_size for path in files_of(log.folder)]
    assert [file.before_bytes for file in report.files] == before[:-1]
    assert [file.after_bytes for file in report.files] == after[:-1]
    assert [file.records for file in report.files] == [3_001, 3_000]
    assert report.ratio == (report.before_bytes / report.after_bytes) > 5
    assert (report.before_bytes, report.after_bytes) == (sum(before[:-1]), sum(after[:-1]))
    assert all(file.ratio > 5 and file.time_s > 0 for file in report.files)


def test_the_last_file_is_never_touched(tmp_path):
    log = big_log(tmp_path / "log")
    last = files_of(log.folder)[-1]
    before = last.read_bytes()
    compress_log(log.folder)
    assert compress_file(last) is None
    assert last.read_bytes() == before


def test_a_log_of_one_file_is_left_alone(tmp_path):
    log = big_log(tmp_path / "log", files=1)
    before = content(log.folder)
    assert compress_log(log.folder) == ((), 0, 0, 0, 0, 0)
    assert compress_log(log.folder).ratio is None
    assert content(log.folder) == before


def test_compressed_files_are_not_compressed_again(tmp_path):
    log = make_log(tmp_path / "log")
    compress_log(log.folder)
    before = content(log.folder)
    report = compress_log(log.folder, level=19)
    assert (report.files, report.compressed_before) == ((), 3)
    assert compress_file(files_of(log.folder)[0]) is None
    assert content(log.folder) == before


def test_one_file_can_be_compressed_alone(tmp_path):
    log = big_log(tmp_path / "log")
    paths = files_of(log.folder)
    others = [path.read_bytes() for path in (paths[0], paths[2])]
    done = compress_file(paths[1])
    assert (done.path, done.records) == (str(paths[1]), 3_000)
    assert [path.read_bytes() for path in (paths[0], paths[2])] == others
    assert records_in(log.folder).tobytes() == b"".join(log.records)


def test_at_most_so_many_files_are_compressed_oldest_first(tmp_path):
    log = big_log(tmp_path / "log")
    assert [file.path for file in compress_log(log.folder, most_files=1).files] == [str(files_of(log.folder)[0])]
    assert [file.path for file in compress_log(log.folder, most_files=1).files] == [str(files_of(log.folder)[1])]
    assert compress_log(log.folder, most_files=1).files == ()


def test_only_files_old_enough_are_compressed(tmp_path):
    log = big_log(tmp_path / "log")
    hour_ago_s = time.time() - 3_601
    os.utime(files_of(log.folder)[0], (hour_ago_s, hour_ago_s))
    report = compress_log(log.folder, older_than_s=3_600)
    assert [file.path for file in report.files] == [str(files_of(log.folder)[0])]
    assert report.too_young == 1


def test_a_file_keeps_its_time_of_writing_and_its_permissions(tmp_path):
    log = big_log(tmp_path / "log")
    path = files_of(log.folder)[0]
    os.utime(path, ns=(10**18 + 1, 10**18 + 7))
    path.chmod(0o640)
    compress_log(log.folder)
    assert path.stat().st_mtime_ns == 10**18 + 7
    assert path.stat().st_mode & 0o777 == 0o640
    assert scan_file(path, sealed=True).head.flags == 3


def test_short_blocks_are_joined_and_no_block_gets_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr("pricecore.eventlog.joining.joined.__defaults__", (64,))
    log = big_log(tmp_path / "log", records=1_000)
    compress_log(log.folder)
    for path in files_of(log.folder)[:-1]:
        counts = [block.count for block in blocks_of(path)]
        assert max(counts) <= 64
        assert len(counts) <= 1_001 // 60 + 1


def test_a_long_block_stays_as_it_is(tmp_path):
    log = LogModel(tmp_path / "log")
    symbol_id = log.symbol("TEST:SYMBOL")
    for count in (JOINED_RECORDS + 5, 3, 4):
        for k in range(count):
            log.price(symbol_id, 100.0 + k)
        log.write()
    log.begin()
    compress_log(log.folder)
    assert [block.count for block in blocks_of(files_of(log.folder)[0])] == [JOINED_RECORDS + 6, 7]


def test_a_position_still_stands_behind_the_last_record_that_came_from_before_it(tmp_path):
    log = make_log(tmp_path / "log")
    before = [positions_of(path) for path in files_of(log.folder)]
    compress_log(log.folder)
    for path, positions in zip(files_of(log.folder), before, strict=True):
        found = positions_of(path)
        assert set(found) <= set(positions)
        assert found[-1] == positions[-1]
    assert len(positions_of(files_of(log.folder)[0])) < len(before[0])


def test_a_file_that_holds_only_positions_stays_one(tmp_path):
    log = LogModel(tmp_path / "log")
    log.fill()
    log.begin()
    log.mark(b"one")
    log.mark(b"two")
    log.fill(1)
    log.begin()
    log.mark(b"three")
    log.fill(1)
    compress_log(log.folder)
    assert [(block.type, block.position) for block in blocks_of(files_of(log.folder)[1])] == [(2, b"two"), (0, b"")]
    assert records_in(log.folder).tobytes() == b"".join(log.records)


def test_the_synced_sequence_is_the_greatest_of_those_joined(tmp_path):
    log = LogModel(tmp_path / "log")
    symbol_id = log.symbol("TEST:SYMBOL")
    for synced in (0, 1, 2, 3):
        log.price(symbol_id, 1.0)
        log.write(synced=synced)
    log.begin()
    compress_log(log.folder)
    assert [block.synced_sequence for block in blocks_of(files_of(log.folder)[0])] == [3]


def test_noise_that_does_not_become_smaller_stays_plain(tmp_path):
    log = LogModel(tmp_path / "log")
    symbol_id = log.symbol("TEST:SYMBOL")
    log.write()
    log.begin()
    rng = np.random.default_rng(3)
    times = rng.integers(2**62, size=2).tolist()
    log.stage(RECORD.pack(log.next_sequence, symbol_id, 0, 0, *times, *rng.random(4).tolist()))
    log.write()
    log.begin()
    compress_log(log.folder)
    assert blocks_of(files_of(log.folder)[1])[0].encoding == 0
    assert compress_log(log.folder).compressed_before == 2


def test_a_seek_by_time_and_sequence_finds_the_same_as_before(tmp_path):
    log = make_log(tmp_path / "log")
    records = records_in(log.folder)
    wanted = records[len(records) // 3]
    moment = np.datetime64(int(wanted["received_ns"]), "ns")
    before = [part.tobytes() for part in EventLog.open(log.folder).updates(start=moment)]
    compress_log(log.folder)
    after = EventLog.open(log.folder)
    assert b"".join(part.tobytes() for part in after.updates(start=moment)) == b"".join(before)
    assert next(after.blocks(start=int(wanted["sequence"])))[0].tobytes() == wanted.tobytes()


def test_a_replay_and_the_state_at_a_record_are_the_same_as_before(tmp_path):
    log = big_log(tmp_path / "log")

    def seen() -> list[bytes]:
        opened = EventLog.open(log.folder)
        with pricecore.PriceEngine() as engine:
            opened.replay(into=engine)
            return [engine.snapshot().tobytes(), opened.state_at(sequence=4_567).prices.tobytes()]

    before = seen()
    compress_log(log.folder)
    assert seen() == before


def test_the_index_fits_the_new_file(tmp_path):
    log = make_log(tmp_path / "log")
    path = files_of(log.folder)[0]
    compress_log(log.folder)
    file = open_log_file(str(path))
    assert load_index(file, str(path)) is not None
    file.close()


def test_a_reader_that_is_in_the_midst_of_it_reads_on(tmp_path):
    log = make_log(tmp_path / "log", blocks=200)
    reader = iter(EventLog.open(log.folder))
    parts = [next(reader)]
    compress_log(log.folder)
    parts += list(reader)
    assert np.concatenate(parts).tobytes() == b"".join(log.records)


def test_a_log_is_compressed_beside_its_writer(tmp_path):
    folder = tmp_path / "log"
    options = pricecore.LogOptions(folder, rotate_bytes=65_536)
    with pricecore.PriceEngine(log=options) as engine:
        for k in range(5_000):
            engine.update("TEST:SYMBOL", 100.0 + k % 7)
            if k % 500 == 499:
                assert engine.log.wait_durable(None, 10.0)
        assert len(compress_log(folder).files) >= 3
        for k in range(100):
            engine.update("TEST:SYMBOL", 200.0 + k)
    records = records_in(folder)
    assert records["sequence"].tolist() == list(range(1, 5_102))
    with pricecore.PriceEngine(log=options) as engine:
        assert engine.price("TEST:SYMBOL") == 299.0


@pytest.mark.parametrize("damage", ["cut", "flip", "header"])
def test_a_damaged_file_is_left_as_it_is_and_named(damage, tmp_path):
    log = make_log(tmp_path / "log")
    path = files_of(log.folder)[1]
    if damage == "cut":
        cut(path, path.stat().st_size - 64)
    else:
        flip(path, 8 * (path.stat().st_size // 2 if damage == "flip" else 40))
    before = content(log.folder)
    with pytest.raises(LogCorruptError) as caught:
        compress_file(path)
    assert caught.value.file == str(path)
    assert content(log.folder) == before


@pytest.mark.parametrize("call", ["write", "sync", "take_place"])
def test_a_step_that_fails_leaves_the_log_as_it_was(call, tmp_path, monkeypatch):
    log = make_log(tmp_path / "log")
    before = content(log.folder)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(rewriting.Draft, call, fail)
    with pytest.raises(OSError, match="No space left"):
        compress_log(log.folder)
    assert content(log.folder) == before


STEPS = {
    "write": (rewriting.Draft, "write"),
    "sync": (rewriting.Draft, "sync"),
    "utime": (os, "utime"),
    "exchange": (rewriting, "exchange_files"),
    "sync_folder": (rewriting, "sync_folder"),
    "close": (rewriting.Draft, "close"),
}


def compress_and_die(folder: Path, step: str, when: str) -> None:
    """Compress in a child that ends at this step as if it were killed."""

    def child():
        owner, name = STEPS[step]
        real = getattr(owner, name)

        def die(*args, **options):
            if when == "after":
                real(*args, **options)
            os._exit(9)

        setattr(owner, name, die)
        compress_log(folder)

    with pytest.raises(RuntimeError, match="the child died: exit code 9"):
        run_in_child(child)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_step_loses_nothing_and_the_next_one_goes_on(step, when, tmp_path):
    log = make_log(tmp_path / "log")
    compress_and_die(log.folder, step, when)
    assert records_in(log.folder).tobytes() == b"".join(log.records)
    compress_log(log.folder)
    assert records_in(log.folder).tobytes() == b"".join(log.records)
    assert not list(log.folder.glob("*.tmp"))
    assert all(scan_file(path).head.flags == 3 for path in files_of(log.folder)[:-1])


def compress_for(folder: Path, seconds: float) -> bool:
    """Compress in a child that an alarm ends, wherever it is; tell whether it was quicker."""

    def child():
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process; nothing of ours runs any more
        signal.setitimer(signal.ITIMER_REAL, seconds)
        compress_log(folder)

    try:
        run_in_child(child)
    except RuntimeError:
        return False
    return True


@pytest.mark.slow
def test_a_compressor_that_is_killed_at_any_moment_loses_nothing(tmp_path):
    log = big_log(tmp_path / "log", files=4, records=2_000)
    whole = content(log.folder)
    rng = random.Random(7)
    quicker = killed = 0
    for _ in range(60):
        if compress_for(log.folder, 0.001 + rng.random() * 0.05):
            quicker += 1
        else:
            killed += 1
        assert records_in(log.folder).tobytes() == b"".join(log.records)
        if not compressing.files_to_compress(log.folder):
            for name, data in whole.items():
                (log.folder / name).write_bytes(data)
    compress_log(log.folder)
    assert killed > 5
    assert quicker + killed == 60
    assert not list(log.folder.glob("*.log.tmp"))


@pytest.mark.parametrize("step", STEPS)
def test_a_writer_starts_after_a_crash_at_any_step(step, tmp_path):
    log = make_log(tmp_path / "log")
    compress_and_die(log.folder, step, "before")
    with pricecore.PriceEngine(log=log.folder) as engine:
        engine.update("TEST:SYMBOL0", 1.0)
    assert records_in(log.folder)[:-1].tobytes() == b"".join(log.records)
    assert not list(log.folder.glob("*.tmp"))


def test_what_is_read_back_and_differs_does_not_take_the_place(tmp_path, monkeypatch):
    log = make_log(tmp_path / "log")
    before = content(log.folder)
    real = rewriting.Draft.sync

    def sync_wrongly(draft):
        real(draft)
        flip(draft.name, 8 * (draft.name.stat().st_size - 70))

    monkeypatch.setattr(rewriting.Draft, "sync", sync_wrongly)
    with pytest.raises(LogCorruptError, match=r"\.log\.tmp: damaged"):
        compress_log(log.folder)
    assert content(log.folder) == before


@pytest.mark.parametrize("wrong", ["last", "other", "position", "gap"])
def test_a_draft_that_is_sound_and_holds_something_else_does_not_take_the_place(wrong, tmp_path, monkeypatch):
    log = make_log(tmp_path / "log") if wrong in ("position", "gap") else big_log(tmp_path / "log", files=2)
    before = content(log.folder)
    real = compressing.joined

    def spoilt(blocks):
        pieces = list(real(blocks, 64))
        if wrong == "last":
            pieces.pop()
        elif wrong == "other":
            records = pieces[0].records.copy()
            records["price"][-1] += 1
            pieces[0] = pieces[0]._replace(records=records)
        elif wrong == "position":
            pieces[-1] = pieces[-1]._replace(position=b"elsewhere")
        elif pieces[0].gap[1]:
            pieces[0] = pieces[0]._replace(gap=(pieces[0].gap[0], 2))
        return pieces

    path = files_of(log.folder)[GAP_AT - 1 if wrong == "gap" else 0]
    monkeypatch.setattr(compressing, "joined", spoilt)
    with pytest.raises(LogCorruptError, match="the old file stays"):
        compress_file(path)
    assert content(log.folder) == before


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_file_that_retention_removes_meanwhile_does_not_come_back(exchanges, tmp_path, monkeypatch):
    log = make_log(tmp_path / "log")
    if not exchanges:
        monkeypatch.setattr(rewriting, "exchange_files", lambda one, other: False)
    first = files_of(log.folder)[0]
    real = rewriting.Draft.sync

    def remove(draft):
        real(draft)
        if draft.path == first:
            first.unlink()

    monkeypatch.setattr(rewriting.Draft, "sync", remove)
    report = compress_log(log.folder)
    assert (len(report.files), report.removed) == (2, 1)
    assert not first.exists()
    assert not list(log.folder.glob("*.tmp"))


def test_a_writer_that_starts_meanwhile_and_removes_drafts_costs_only_the_work(tmp_path, monkeypatch):
    log = make_log(tmp_path / "log")
    real = rewriting.Draft.sync

    def remove(draft):
        real(draft)
        remove_drafts(log.folder)

    with monkeypatch.context() as patch:
        patch.setattr(rewriting.Draft, "sync", remove)
        assert compress_log(log.folder).files == ()
    assert records_in(log.folder).tobytes() == b"".join(log.records)
    assert len(compress_log(log.folder).files) == 3


def test_where_names_cannot_be_exchanged_the_draft_is_renamed(tmp_path, monkeypatch):
    log = make_log(tmp_path / "log")
    monkeypatch.setattr(rewriting, "exchange_files", lambda one, other: False)
    assert len(compress_log(log.folder).files) == 3
    assert records_in(log.folder).tobytes() == b"".join(log.records)
    assert not list(log.folder.glob("*.tmp"))


@pytest.mark.parametrize("compress", [compress_log, lambda folder: compress_file(files_of(folder)[0])])
def test_a_left_over_draft_is_replaced(compress, tmp_path):
    log = make_log(tmp_path / "log")
    files_of(log.folder)[0].with_suffix(".log.tmp").write_bytes(b"left over")
    compress(log.folder)
    assert records_in(log.folder).tobytes() == b"".join(log.records)
    assert not list(log.folder.glob("*.tmp"))


def test_two_do_not_compress_at_once(tmp_path):
    log = make_log(tmp_path / "log")
    with rewriting.rewriting(log.folder):
        with pytest.raises(LogReadOnlyError, match="compresses or repairs this log") as caught:
            compress_log(log.folder)
        with pytest.raises(LogReadOnlyError):
            compress_file(files_of(log.folder)[0])
    assert caught.value.errno == errno.EBUSY
    assert len(compress_log(log.folder).files) == 3


def test_progress_ends_with_all_bytes(tmp_path):
    log = make_log(tmp_path / "log")
    total_bytes = 2 * sum(path.stat().st_size for path in files_of(log.folder)[:-1])  # each is read twice
    seen = []
    compress_log(log.folder, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (total_bytes, total_bytes)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("level", [0, 23])
def test_a_level_out_of_range_is_named_before_anything_is_done(level, tmp_path):
    with pytest.raises(ValueError, match=f"level is {level}"):
        compress_log(tmp_path / "nowhere", level=level)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        compress_log(tmp_path / "nowhere")
