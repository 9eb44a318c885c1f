"""EventLog gives back every record once, in order, from any place, and says what is missing."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from models.log_model import RECORD, START_NS, LogModel, cut, fix_checksums, flip, put, symbol_record, zero_page

from pricecore import QUOTE_DTYPE, RECORD_DTYPE, EventLog, LogCorruptError, LogNotFoundError
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.log_index import index_path, write_index
from pricecore.eventlog.verifying import verify


@pytest.fixture
def model(tmp_path) -> LogModel:
    return LogModel(tmp_path / "log")


def day(model: LogModel, indexed: bool = False) -> LogModel:
    """Three files, the last one behind a gap that took a name with it."""
    model.fill(blocks=3, records=4)
    model.mark(b"after 12")
    model.fill(blocks=2, records=3)
    first = model.path
    model.begin()
    model.symbol("KRAKEN:XBT")
    for k in range(30):
        model.quote(k % 2, 10.0 + k)
        if k % 7 == 6:
            model.void()
            model.write(b"after %d" % model.next_sequence)
    model.write()
    second = model.path
    model.gap(10, reason=1, names=["BINANCE:ETHUSDT"])
    for k in range(5):
        model.price(2, 5.0 + k)
        model.write()
    if indexed:
        write_index(first)
        write_index(second)
    return model


def joined(blocks) -> bytes:
    return b"".join(block.tobytes() for block in blocks)


def sequence_of(record: bytes) -> int:
    return RECORD.unpack(record)[0]


def at(sequence: int) -> np.datetime64:
    """Return when the model received a record."""
    return np.datetime64(START_NS + sequence * 1_000, "ns")


def test_iterating_gives_every_record_once_and_in_order(model):
    day(model)
    with EventLog.open(model.folder) as log:
        blocks = list(log)
    assert joined(blocks) == b"".join(model.records)
    assert all(len(block) and not block.flags.writeable for block in blocks)


def test_attributes_tell_what_the_log_holds(model):
    day(model)
    with EventLog.open(model.folder) as log:
        assert (log.first_sequence, log.last_sequence, len(log)) == (1, model.next_sequence - 1, len(model.records))
        assert log.symbols() == ["BINANCE:BTCUSDT", "KRAKEN:XBT", "BINANCE:ETHUSDT"]
        assert [(gap.first_sequence, gap.last_sequence, gap.reason) for gap in log.gaps] == [(54, 63, "skipped")]
        assert (log.source_position, log.source_position_sequence) == (model.position, 53)
        assert "sequences 1 to 68" in repr(log)


@pytest.mark.parametrize("indexed", [False, True])
def test_blocks_begin_and_end_at_any_sequence(model, indexed):
    day(model, indexed)
    with EventLog.open(model.folder) as log:
        for start in range(0, 72, 3):
            for stop in (start, start + 1, start + 5, 60, 80):
                expected = [record for record in model.records if start <= sequence_of(record) < stop]
                assert joined(log.blocks(start, stop)) == b"".join(expected), (start, stop)


@pytest.mark.parametrize("indexed", [False, True])
def test_updates_begin_and_end_at_any_time(model, indexed):
    day(model, indexed)
    fields = [(RECORD.unpack(record), record) for record in model.records]
    with EventLog.open(model.folder) as log:
        for start in range(0, 72, 5):
            for stop in (start, start + 2, 55, 90):
                expected = [raw for field, raw in fields if field[2] <= 1 and start <= field[0] < stop]
                assert joined(log.updates(start=at(start), stop=at(stop))) == b"".join(expected), (start, stop)


def test_times_out_of_order_are_all_found(tmp_path):
    rng = np.random.default_rng(5)
    model = LogModel(tmp_path / "log")
    model.symbol("A")
    times = []
    for k in range(600):
        times.append(int(rng.integers(0, 1_000)) + 10 * k)
        model.price(0, 1.0, received_ns=times[-1])
        if rng.random() < 0.02:
            model.write()
        if rng.random() < 0.01 and model.staged:
            model.write()
            model.begin()
    if model.staged:
        model.write()
    with EventLog.open(model.folder) as log:
        for start, stop in rng.integers(-5, 7_100, (100, 2)).tolist():
            expected = [k + 2 for k, time in enumerate(times) if start <= time < stop]
            bounds = {"start": np.datetime64(start, "ns"), "stop": np.datetime64(stop, "ns")}
            found = [int(s) for block in log.updates(**bounds) for s in block["sequence"]]
            assert found == expected, (start, stop)
            inside = {int(s) for block in log.blocks(**bounds) for s in block["sequence"]}
            assert inside >= set(expected)


def test_times_out_of_order_over_whole_stretches_are_all_found(tmp_path):
    """Some stretches of one file, received in another order than they stand."""
    model = LogModel(tmp_path / "log")
    model.symbol("A")
    for stretch_ns in (3_000, 1_000, 4_000, 2_000):
        for k in range(700):
            model.price(0, 1.0, received_ns=stretch_ns + k)
            model.price(0, 1.0, received_ns=stretch_ns + k)
            model.write(b"a position makes the block longer")
    times = [RECORD.unpack(record)[5] for record in model.records[1:]]
    with EventLog.open(model.folder) as log:
        for start, stop in ((0, 9_999), (1_000, 1_001), (2_100, 3_100), (3_000, 3_001), (3_699, 4_001), (4_699, 4_700)):
            expected = [k + 2 for k, time in enumerate(times) if start <= time < stop]
            bounds = {"start": np.datetime64(start, "ns"), "stop": np.datetime64(stop, "ns")}
            assert [int(s) for block in log.updates(**bounds) for s in block["sequence"]] == expected, (start, stop)


def test_updates_are_of_the_symbols_and_kinds_asked_for(model):
    day(model)
    fields = [RECORD.unpack(record) for record in model.records]
    with EventLog.open(model.folder) as log:
        for symbols, ids in (
            (None, {0, 1, 2}),
            ("BINANCE:*", {0, 2}),
            (["KRAKEN:XBT", "NOBODY"], {1}),
            ("NOBODY", set()),
        ):
            for kinds, wanted in ((None, {0, 1}), ("price", {0}), (1, {1}), (["quote", "price"], {0, 1})):
                expected = [field[0] for field in fields if field[2] in wanted and field[1] in ids]
                blocks = list(log.updates(symbols, kinds))
                assert [int(s) for block in blocks for s in block["sequence"]] == expected, (symbols, kinds)
                assert not any(block.flags.writeable for block in blocks)


def test_quotes_are_the_same_bytes_under_other_names(model):
    model.symbol("A")
    model.quote(0, 7.5)
    model.write()
    with EventLog.open(model.folder) as log:
        (records,) = log.updates(kinds="quote")
    assert records.view(QUOTE_DTYPE)[["bid", "ask", "bid_size", "ask_size"]].tolist() == [(7.5, 8.5, 1.0, 2.0)]


MOMENT = datetime.fromtimestamp(START_NS // 10**9, UTC) + timedelta(microseconds=40)


@pytest.mark.parametrize(
    "bound",
    [
        40,
        np.int64(40),
        np.uint64(40),
        at(40),
        np.datetime64(START_NS // 1_000 + 40, "us"),
        MOMENT,
        MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))),
        pd.Timestamp(START_NS + 40_000, tz="UTC"),
        pd.Timestamp(START_NS + 39_001, tz="Asia/Tokyo"),
    ],
    ids=repr,
)
def test_a_bound_is_a_sequence_or_a_time_of_any_kind(model, bound):
    day(model)
    with EventLog.open(model.folder) as log:
        assert next(log.updates(start=bound))["sequence"][0] == 40
        assert sum(len(block) for block in log.blocks(stop=bound)) == 39


@pytest.mark.parametrize(
    ("bound", "error", "text"),
    [
        (datetime(2024, 1, 1), ValueError, "time zone"),
        (pd.Timestamp("2024-01-01"), ValueError, "time zone"),
        (np.datetime64("NaT", "ns"), ValueError, "no time"),
        (np.datetime64("9999-01-01", "D"), ValueError, "1678 to 2262"),
        (datetime(9999, 1, 1, tzinfo=UTC), ValueError, "1678 to 2262"),
        (-1, ValueError, "2\\*\\*62"),
        (2**63, ValueError, "2\\*\\*62"),
        (1.5, TypeError, "must be a sequence"),
        (True, TypeError, "must be a sequence"),
        ("2024-01-01", TypeError, "must be a sequence"),
    ],
    ids=repr,
)
def test_a_bound_that_is_none_is_refused_at_the_call(model, bound, error, text):
    day(model)
    with EventLog.open(model.folder) as log:
        for call in (log.blocks, log.updates, log.tail):
            with pytest.raises(error, match=text):
                call(start=bound)
        with pytest.raises(error, match=text):
            log.blocks(stop=bound)


@pytest.mark.parametrize(("kinds", "symbols"), [("trade", None), (2, None), ([], None), (True, None), (None, [])])
def test_asking_for_nothing_is_refused(model, kinds, symbols):
    day(model)
    with EventLog.open(model.folder) as log, pytest.raises(ValueError, match=r"kinds|symbols"):
        log.updates(symbols, kinds)


def test_a_log_without_a_record_is_empty(model):
    with EventLog.open(model.folder) as log:
        assert (list(log), len(log), log.symbols(), log.gaps, log.torn) == ([], 0, [], (), None)
        assert (log.first_sequence, log.last_sequence, log.source_position) == (1, 0, b"")
        assert list(log.updates(start=at(5))) == list(log.blocks(5, 9)) == []


def test_a_log_whose_oldest_files_were_removed_begins_later(model):
    day(model)
    (model.folder / file_name(1, "log")).unlink()
    with EventLog.open(model.folder) as log:
        first = log.first_sequence
        assert first == 19
        assert joined(log) == b"".join(record for record in model.records if sequence_of(record) >= first)
        assert log.symbols()[0] == "BINANCE:BTCUSDT"
        assert len(log.gaps) == 1


def test_a_torn_tail_is_left_out_and_told(model):
    day(model)
    size = model.path.stat().st_size
    cut(model.path, size - 1)
    with EventLog.open(model.folder) as log:
        assert joined(log) == b"".join(model.records[:-1])
        assert log.torn == (model.blocks[-1][0], 127, 1, str(model.path))


def test_a_last_file_that_was_just_begun_is_a_torn_tail(model):
    day(model)
    before = b"".join(model.records)
    model.begin()
    for size in (0, 50, 127, 128 + 64):
        whole = model.path.read_bytes()
        cut(model.path, size)
        with EventLog.open(model.folder) as log:
            assert joined(log) == before
            assert log.torn[:3] == (0, size, None)
        model.path.write_bytes(whole)


def test_what_a_writer_is_about_to_write_is_not_torn(model):
    from pricecore.eventlog.lock import lock_log

    day(model)
    cut(model.path, model.path.stat().st_size - 1)
    lock = lock_log(model.folder)
    try:
        with EventLog.open(model.folder) as log:
            assert log.torn is None
    finally:
        lock.close()


def test_damage_in_a_sealed_file_is_told_when_reading_comes_to_it(model):
    day(model)
    path = model.folder / file_name(1, "log")
    flip(path, 8 * 1_000)
    with EventLog.open(model.folder) as log:
        found = []
        with pytest.raises(LogCorruptError) as caught:
            found += log
        assert (caught.value.file, log.last_sequence) == (str(path), 68)
        assert 0 < caught.value.offset <= 1_000
        later = b"".join(record for record in model.records if sequence_of(record) >= 19)
        assert joined(log.blocks(19)) == later


def test_damage_in_the_last_file_is_told_at_open(model):
    day(model)
    model.price(2, 1.0)
    model.write(synced=model.next_sequence - 2)
    flip(model.path, 8 * (model.blocks[2][0] + 80))
    with pytest.raises(LogCorruptError) as caught:
        EventLog.open(model.folder)
    assert (caught.value.file, caught.value.offset) == (str(model.path), model.blocks[2][0])


def test_a_page_of_zeros_in_a_sealed_file_gives_no_wrong_record(tmp_path):
    model = LogModel(tmp_path / "log")
    model.fill(blocks=200, records=4)
    path = model.path
    model.begin()
    model.fill(1)
    zero_page(path, 3)
    with EventLog.open(model.folder) as log:
        found = []
        with pytest.raises(LogCorruptError):
            found.extend(log)
    assert b"".join(model.records).startswith(joined(found))


def test_a_file_that_is_missing_in_the_middle_is_named(model):
    day(model)
    (model.folder / file_name(19, "log")).unlink()
    with (
        EventLog.open(model.folder) as log,
        pytest.raises(LogCorruptError, match="a file between them is missing") as caught,
    ):
        list(log)
    assert caught.value.file.endswith(file_name(1, "log"))


def test_files_that_overlap_are_refused(model):
    day(model)
    inside = file_name(10, "log")
    other = LogModel(model.folder.with_name("other"), first_sequence=10)
    other.symbols = model.symbols[:1]
    other.begin()
    (model.folder / inside).write_bytes(other.path.read_bytes())
    with EventLog.open(model.folder) as log, pytest.raises(LogCorruptError, match="overlap"):
        list(log)


def test_a_file_of_another_log_is_refused(model):
    day(model)
    other = LogModel(model.folder.with_name("other"), first_sequence=19, log_id=b"another log file")
    (model.folder / file_name(19, "log")).write_bytes(other.path.read_bytes())
    with EventLog.open(model.folder) as log, pytest.raises(LogCorruptError, match="another log") as caught:
        list(log)
    assert caught.value.offset == 16


def test_a_file_of_an_earlier_writer_does_not_follow_a_later_one(model):
    model.head = {"generation": 2}
    model.begin()
    model.fill()
    model.head = {"generation": 1}
    model.begin()
    model.fill()
    with EventLog.open(model.folder) as log, pytest.raises(LogCorruptError, match="generation 1 behind 2"):
        list(log)


def test_a_newer_version_is_refused_by_name(model):
    put(model.path, 8, b"\x02")
    fix_checksums(model.path)
    with pytest.raises(LogCorruptError, match="version 2 of the format; this pricecore reads 1"):
        EventLog.open(model.folder)


def test_a_name_that_is_not_utf8_is_damage(model):
    model.symbols = [symbol_record(1, 0, b"\xff\xfe")]
    model.next_sequence = 2
    os.unlink(model.path)  # noqa: PTH108
    model.begin()
    with EventLog.open(model.folder) as log, pytest.raises(LogCorruptError, match="not UTF-8"):
        log.symbols()


def test_what_is_no_log_is_said_to_be_none(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("text")
    for name, text in (("empty", "holds no event log"), ("file", "is a file"), ("nothing", "no such folder")):
        with pytest.raises(LogNotFoundError, match=text) as caught:
            EventLog.open(tmp_path / name)
        assert caught.value.filename == str(tmp_path / name)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_folder_under_a_files_name_does_not_hang(tmp_path, make):
    make(tmp_path / file_name(1, "log"))
    with pytest.raises(LogCorruptError, match="a folder, a pipe or a device"):
        EventLog.open(tmp_path)


def test_a_place_in_a_sealed_file_that_was_cut_names_the_end_of_the_file(model):
    model.fill()
    first = model.path
    model.begin()
    model.fill(blocks=1)
    cut(first, first.stat().st_size - 100)
    with EventLog.open(model.folder) as log, pytest.raises(LogCorruptError, match="ends inside a block") as caught:
        list(log.blocks(2))
    assert caught.value.offset == first.stat().st_size


@pytest.mark.parametrize("number", [0, 2**62, 10**20 - 1])
def test_a_file_whose_name_is_no_sequence_is_nobodys_business(model, number):
    model.fill()
    expected = [records.tobytes() for records in EventLog.open(model.folder)]
    for kind in ("log", "index"):
        (model.folder / f"{number:020d}.{kind}").write_bytes(b"")
    assert [records.tobytes() for records in EventLog.open(model.folder)] == expected
    report = verify(model.folder)
    assert (report.ok, report.files, report.notes) == (True, 1, ())


def test_other_files_in_the_folder_are_nobodys_business(model):
    day(model)
    for name in ("notes.txt", "1.log", "00000000000000000002.log.damaged", "00000000000000000003.log.tmp", "lock"):
        (model.folder / name).write_text("not ours")
    with EventLog.open(model.folder) as log:
        assert joined(log) == b"".join(model.records)


READ_ONLY = """
import os
from pricecore.eventlog.event_log import EventLog  # now: later the package may be out of reach
from pricecore.eventlog.verifying import verify
if os.geteuid() == 0:  # who may write everywhere
    os.setgroups([])
    os.setgid(65_534)
    os.setuid(65_534)
with EventLog.open(".") as log:
    print(sum(len(block) for block in log), log.torn.size_bytes, verify(".").ok)
"""


def test_a_folder_without_write_permission_is_read(model):
    day(model)
    cut(model.path, model.path.stat().st_size - 1)
    for path in model.folder.iterdir():
        path.chmod(0o444)
    model.folder.chmod(0o555)
    try:
        command = [sys.executable, "-c", READ_ONLY]
        done = subprocess.run(command, cwd=model.folder, capture_output=True, text=True, timeout=60)
    finally:
        model.folder.chmod(0o700)
    assert done.stdout.split() == [str(len(model.records) - 1), "127", "True"], done.stderr


def test_reading_changes_nothing(model):
    day(model)
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in model.folder.iterdir()}
    with EventLog.open(model.folder) as log:
        list(log)
        list(log.updates("BINANCE:*", start=at(20)))
        assert log.gaps
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in model.folder.iterdir()} == before


def spoil(path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "cut":
        data = data[:-7]
    elif kind == "flipped":
        data[len(data) // 2] ^= 1
    elif kind == "of another file":
        data[24] ^= 255
    elif kind == "empty":
        data = b""
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["cut", "flipped", "of another file", "empty"])
def test_an_index_that_does_not_fit_is_not_used(model, kind):
    day(model, indexed=True)
    for first in (1, 19):
        spoil(index_path(str(model.folder / file_name(first, "log"))), kind)
    with EventLog.open(model.folder) as log:
        for start in range(1, 60, 4):
            expected = [record for record in model.records if sequence_of(record) >= start]
            assert joined(log.blocks(start)) == b"".join(expected)


def test_an_index_with_wrong_times_is_not_used(model):
    day(model)
    index = write_index(model.folder / file_name(1, "log"))
    index.write_bytes(index.read_bytes()[:48] + bytes(8) + index.read_bytes()[56:])  # nothing was received, it says
    with EventLog.open(model.folder) as log:
        assert next(log.updates(start=at(5)))["sequence"][0] == 5


def test_an_index_that_points_to_the_wrong_place_is_made_again(tmp_path):
    model = LogModel(tmp_path / "log")
    model.fill(blocks=600, records=4)
    path = model.path
    model.begin()
    model.fill(1)
    index = write_index(path)
    from models.log_model import struct, zlib

    data = bytearray(index.read_bytes())
    for at_entry in range(32, len(data), 32):
        (offset,) = struct.unpack_from("<Q", data, at_entry)
        struct.pack_into("<Q", data, at_entry, offset + 64)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    index.write_bytes(data)
    with EventLog.open(model.folder) as log:
        assert joined(log.blocks(2_000)) == b"".join(model.records[1_999:])


def test_a_writer_of_ready_records_leaves_an_index_beside_each_sealed_file(model):
    folder = model.folder.with_name("ready")
    model.symbol("A")
    for k in range(4_000):
        model.price(0, float(k))
    records = np.frombuffer(b"".join(model.staged), RECORD_DTYPE)
    with EventLog.writer(folder, rotate_bytes=65_536) as writer:
        for first in range(0, len(records), 500):
            writer.append(records[first : first + 500])
    files = sorted(folder.glob("*.log"))
    assert len(files) > 2
    assert [path.stem for path in sorted(folder.glob("*.index"))] == [path.stem for path in files[:-1]]
    assert verify(folder).notes == ()


def test_no_index_is_made_over_a_block_that_does_not_belong_there(model):
    model.fill(blocks=4, records=4)
    other = LogModel(model.folder.with_name("other"), created_ns=START_NS + 1)
    other.fill(blocks=4, records=4)
    begin, end = model.blocks[2]
    put(model.path, begin, other.path.read_bytes()[begin:end])
    with pytest.raises(LogCorruptError, match="does not belong") as caught:
        write_index(model.path)
    assert caught.value.offset == begin
    assert not list(model.folder.glob("*.index*"))


def test_an_index_leads_to_the_stretch_asked_for(tmp_path):
    """Without it, half the file would be read: the reader passes blocks, and says how many."""
    model = LogModel(tmp_path / "log")
    model.fill(blocks=3_000, records=4)
    model.begin()
    model.fill(1)
    from pricecore.eventlog.log_files import LogFiles
    from pricecore.eventlog.reading import Reading

    reading = Reading(LogFiles(model.folder), 6_000, lambda gap: None)
    assert reading.next().last_sequence >= 6_000
    assert reading._reader.blocks_passed < 65_536 // 300
    reading.close()


def test_a_log_can_be_read_by_many_iterators_at_once(model):
    day(model)
    with EventLog.open(model.folder) as log:
        one, other = log.blocks(), log.blocks(30)
        found = [next(one), next(other), next(one), *other, *one]
    assert sorted(sequence for block in found for sequence in block["sequence"].tolist()) == sorted(
        [sequence_of(record) for record in model.records]
        + [sequence_of(record) for record in model.records if sequence_of(record) >= 30]
    )


def test_blocks_are_valid_after_the_log_was_closed_and_removed(model):
    day(model)
    with EventLog.open(model.folder) as log:
        blocks = list(log)
    for path in model.folder.iterdir():
        path.unlink()
    assert joined(blocks) == b"".join(model.records)
