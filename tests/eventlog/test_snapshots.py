"""Snapshots: as good as the log behind them, whole or not there at all, and judged before they count."""

import logging
import os
import resource
import struct
import threading
import zlib
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from helpers.recorded import day, in_pieces, name_record, quoted, stream, taken, trade
from helpers.threads import at_once, tries
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore import PriceEngine
from pricecore.errors import LogCorruptError
from pricecore.eventlog.restoring import restore_segment
from pricecore.eventlog.snapshots import Snapshot, newest_good, read_snapshot, take_snapshot, write_snapshot
from pricecore.eventlog.state import State, flaw_of

LOG_ID = bytes(range(16))
NAMES = [f"VENUE:{i}" for i in range(30)]
RECORDS = stream(name_record(1, 0, b"A"), name_record(2, 1, b"B"), trade(3, 0, 1.5), quoted(4, 1, 2.5))


@pytest.fixture(autouse=True)
def _warnings(caplog):
    caplog.set_level(logging.WARNING, "pricecore")


def snapshot_at(records, sequence=None, **fields):
    """Return the snapshot of a log that ends with these records."""
    state = State()
    state.apply(records)
    found = state.records()
    sequence = state.sequence if sequence is None else sequence
    return Snapshot(found, sequence, max(sequence, int(found["sequence"].max(initial=0))), **fields)


@pytest.fixture
def written(tmp_path):
    return write_snapshot(tmp_path, snapshot_at(RECORDS, generation=7, position=b"line 12", created_ns=99), LOG_ID)


def test_snapshot_comes_back_as_it_was_written(written, tmp_path):
    assert written == tmp_path / "00000000000000000004.snapshot"
    found = newest_good(tmp_path, LOG_ID)
    assert (found.sequence, found.last_sequence, found.generation, found.position, found.created_ns) == (
        4,
        4,
        7,
        b"line 12",
        99,
    )
    assert found.symbols["sequence"].tolist() == [1, 2]
    assert found.prices["price"].tolist() == [1.5, 0.0]
    assert found.quotes["ask"].tolist() == [0.0, 3.5]
    assert found.stream().tobytes() == RECORDS.tobytes()
    assert [part.flags.writeable for part in (found.records, found.prices, found.quotes)] == [False] * 3


def test_file_is_what_the_format_says(written):
    data = written.read_bytes()
    magic, version, length, _, log_id, sequence, created, generation, symbols, position, body_crc, _, last = (
        struct.unpack_from("<8sHHI16sQqQIIIIQ", data)
    )
    assert (magic, version, length, log_id, sequence, last) == (b"PRICESNP", 1, 128, LOG_ID, 4, 4)
    assert (created, generation, symbols, position) == (99, 7, 2, 7)
    assert body_crc == zlib.crc32(data[128:])
    assert struct.unpack_from("<I", data, 124)[0] == zlib.crc32(data[:124])
    assert len(data) == 128 + 2 * 192 + 64
    assert data[128 + 2 * 192 :] == b"line 12" + bytes(57)
    assert data[128 + 192 :][:64] == RECORDS[1].tobytes()
    assert data[128 + 64 :][:64] == RECORDS[2].tobytes()


def test_snapshot_of_an_empty_log_is_one(tmp_path):
    write_snapshot(tmp_path, Snapshot(State().records(), 0, 0), LOG_ID)
    found = newest_good(tmp_path, LOG_ID)
    assert (found.sequence, len(found.records), len(found.stream())) == (0, 0, 0)


def test_newest_that_lies_within_the_log_is_taken(tmp_path):
    for end in (2, 3, 4):
        write_snapshot(tmp_path, snapshot_at(RECORDS[:end]), LOG_ID)
    write_snapshot(tmp_path, snapshot_at(RECORDS, 1), LOG_ID)
    assert [newest_good(tmp_path, LOG_ID, end).sequence for end in (2, 3, 4, 9)] == [2, 3, 4, 4]
    assert newest_good(tmp_path, LOG_ID, 1) is None


def test_snapshot_with_later_records_than_the_log_has_is_not_used(tmp_path):
    write_snapshot(tmp_path, snapshot_at(RECORDS[:2]), LOG_ID)
    write_snapshot(tmp_path, snapshot_at(RECORDS, 3), LOG_ID)
    assert newest_good(tmp_path, LOG_ID, 3).sequence == 2


def test_folder_without_a_snapshot_has_none(tmp_path):
    (tmp_path / "00000000000000000004.snapshot.tmp").write_bytes(b"draft")
    assert newest_good(tmp_path, LOG_ID) is None


def test_bad_one_is_passed_over_with_a_warning_that_names_it(tmp_path, caplog):
    write_snapshot(tmp_path, snapshot_at(RECORDS[:3]), LOG_ID)
    newer = write_snapshot(tmp_path, snapshot_at(RECORDS), LOG_ID)
    newer.write_bytes(newer.read_bytes()[:-1])
    assert newest_good(tmp_path, LOG_ID).sequence == 3
    assert str(newer) in caplog.text
    assert "it has 511 bytes and should have 512" in caplog.text


def test_snapshot_of_another_log_is_passed_over(written, tmp_path, caplog):
    assert newest_good(tmp_path, bytes(16)) is None
    assert "belongs to another log" in caplog.text


def test_every_flipped_bit_is_found(written):
    data = written.read_bytes()
    for i in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[i // 8] ^= 1 << i % 8
        written.write_bytes(spoilt)
        with pytest.raises(LogCorruptError, match=written.name):
            read_snapshot(written)


def test_every_cut_is_found(written):
    data = written.read_bytes()
    for length in (*range(len(data)), len(data) + 1, len(data) + 64):
        written.write_bytes(data.ljust(length, b"\0")[:length])
        with pytest.raises(LogCorruptError):
            read_snapshot(written)


def forged(path, body=None, **fields):
    """Put other fields and another body into a snapshot, and make its checksums right."""
    from pricecore.eventlog.layout import FILE_HEADER_DTYPE

    data = path.read_bytes()
    header = np.frombuffer(data[:128], FILE_HEADER_DTYPE).copy()
    body = data[128:] if body is None else body
    for name, value in fields.items():
        header[name] = value
    header["body_crc"] = zlib.crc32(body)
    header["crc"] = zlib.crc32(header.tobytes()[:124])
    path.write_bytes(header.tobytes() + body)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"version": 2}, "version 2, this pricecore reads version 1"),
        ({"magic": b"PRICELOG"}, "no snapshot"),
        ({"symbol_count": 2**32 - 1}, "should have 824,633,7"),
        ({"position_bytes": 2**32 - 1}, "longer than 4,096"),
        ({"position_bytes": 4_096}, "should have 4,6"),
        ({"sequence": 5}, "name"),
        ({"last_sequence": 3}, "wrong way round"),
        ({"header_bytes": 64}, "another length"),
        ({"last_sequence": 2**64 - 1}, "sequence that cannot"),
    ],
)
def test_field_that_cannot_be_is_named(written, fields, reason):
    forged(written, **fields)
    with pytest.raises(LogCorruptError, match=reason):
        read_snapshot(written)


FORGED = {
    "a name that is too long": (0, name_record(1, 0, b"A", 49), "this is no name"),
    "a name of no bytes": (0, name_record(1, 0, b""), "this is no name"),
    "bytes behind a name": (0, name_record(1, 0, b"A\0\0x", 1), "this is no name"),
    "a name that is not UTF-8": (0, name_record(1, 0, b"\xff"), "this is no name"),
    "another id": (3, name_record(2, 5, b"B"), "another symbol"),
    "a name out of order": (3, name_record(1, 1, b"B"), "a sequence"),
    "no name": (0, trade(1, 0, 1.0), "another kind"),
    "a price of another symbol": (1, trade(3, 1, 1.0), "another symbol"),
    "a price far outside": (1, trade(3, 0xFFFFFFFF, 1.0), "another symbol"),
    "a quote for a price": (1, quoted(3, 0, 1.0), "another kind"),
    "a price without a sequence": (1, trade(0, 0, 1.0), "a sequence"),
    "a price before its name": (1, trade(1, 0, 1.0), "a sequence"),
    "a price behind the end": (1, trade(5, 0, 1.0), "a sequence"),
}


@pytest.mark.parametrize("case", FORGED)
def test_body_with_right_checksums_and_a_wrong_record_is_refused(written, case):
    place, record, reason = FORGED[case]
    body = bytearray(written.read_bytes()[128:])
    body[place * 64 : place * 64 + 64] = record.tobytes()
    forged(written, bytes(body))
    with pytest.raises(LogCorruptError, match=reason) as caught:
        read_snapshot(written)
    assert caught.value.offset == 128 + place // 3 * 192


def test_forged_snapshot_with_one_sequence_twice_is_refused_when_it_is_used(written, tmp_path):
    body = bytearray(written.read_bytes()[128:])
    body[5 * 64 : 6 * 64] = quoted(3, 1, 2.5).tobytes()
    forged(written, bytes(body))
    with pytest.raises(LogCorruptError, match="not above"):
        State().load(read_snapshot(written).stream(), 4)


def test_position_that_is_too_long_is_refused(tmp_path):
    write_snapshot(tmp_path, snapshot_at(RECORDS, position=bytes(4_096)), LOG_ID)
    assert newest_good(tmp_path, LOG_ID).position == bytes(4_096)
    with pytest.raises(ValueError, match="4,097 bytes"):
        write_snapshot(tmp_path, snapshot_at(RECORDS, position=bytes(4_097)), LOG_ID)
    with pytest.raises(ValueError, match="16"):
        write_snapshot(tmp_path, snapshot_at(RECORDS), b"short")


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_failed_write_leaves_the_older_one_and_no_draft(tmp_path, monkeypatch, step):
    write_snapshot(tmp_path, snapshot_at(RECORDS[:3]), LOG_ID)

    def fail(*_):
        raise OSError(5, "no disk")

    if step == "write":
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    else:
        monkeypatch.setattr(*((os, "fsync", fail) if step == "fsync" else (type(tmp_path), "replace", fail)))
    try:
        with pytest.raises(OSError, match=r"no disk|too large"):
            write_snapshot(tmp_path, snapshot_at(RECORDS), LOG_ID)
    finally:
        if step == "write":
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["00000000000000000003.snapshot"]
    assert newest_good(tmp_path, LOG_ID).sequence == 3


def test_file_and_folder_are_synced_before_and_after_the_name(tmp_path, monkeypatch):
    steps = []
    sync, replace = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append(str(Path(f"/proc/self/fd/{fd}").readlink())), sync(fd)))
    monkeypatch.setattr(type(tmp_path), "replace", lambda a, b: (steps.append("replace"), replace(a, b)))
    path = write_snapshot(tmp_path, snapshot_at(RECORDS), LOG_ID)
    assert steps == [str(path) + ".tmp", "replace", str(tmp_path)]


def day_of(seed):
    with PriceEngine() as engine:
        return day(engine, NAMES, 400, seed)


DAYS = [day_of(seed) for seed in range(3)]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_snapshot_and_tail_is_the_whole_log_at_every_cut(data, tmp_path_factory):
    """Also when records behind its sequence are in the snapshot already."""
    records = data.draw(st.sampled_from(DAYS))
    cut = data.draw(st.integers(0, len(records)))
    seen = data.draw(st.integers(cut, len(records)))
    end = data.draw(st.integers(seen, len(records)))
    begin = data.draw(st.integers(0, cut))
    whole, fuzzy = State(), State()
    whole.apply(records[:end])
    fuzzy.apply(records[:seen])
    snapshot = Snapshot(fuzzy.records(), cut, seen)
    state = State()
    state.load(snapshot.stream(), cut)
    for piece in in_pieces(records[cut:end], data.draw(st.integers(1, 500))):
        state.apply(piece)
    assert (state.prices().tobytes(), state.symbols()) == (whole.prices().tobytes(), whole.symbols())
    with PriceEngine(ring_capacity=1024) as engine, PriceEngine(ring_capacity=1024) as plain:
        restore_segment(engine.segment, snapshot.stream(), in_pieces(records[begin:end], 300), end)
        restore_segment(plain.segment, None, [records[:end]])
        assert engine.snapshot().tobytes() == plain.snapshot().tobytes()
        assert engine.symbols() == plain.symbols()
        assert engine.metrics().ring.sequence == end


@at_once
def test_snapshot_taken_beside_writers_and_the_tail_is_what_the_engine_holds():
    overtaken = threading.Event()
    with PriceEngine(ring_capacity=1 << 20) as engine, engine.consumer("log") as consumer:

        def write():
            rng = np.random.default_rng(1)
            for i in takewhile(lambda i: i < 400 or not overtaken.is_set(), tries()):
                names = [f"S{k}" for k in rng.integers(0, 40 + i % 400, 200)]
                engine.update_many(names, rng.random(200) + 1)
                engine.update("one", float(i + 1))

        writer = threading.Thread(target=write)
        writer.start()
        parts, snapshots = [], []
        while writer.is_alive():
            parts.append(consumer.read(4_096).copy())
            written = int(parts[-1]["sequence"][-1]) if len(parts[-1]) else 0
            if written:
                snapshots.append(take_snapshot(engine.segment, written))
                if snapshots[-1].last_sequence > snapshots[-1].sequence:
                    overtaken.set()
        writer.join()
        records = stream(*parts, taken(consumer))
        assert overtaken.is_set()
        for snapshot in snapshots[:: max(1, len(snapshots) // 40)]:
            assert flaw_of(snapshot.records, snapshot.last_sequence) is None
            state = State()
            state.load(snapshot.stream(), snapshot.sequence)
            state.apply(records[snapshot.sequence :])
            assert state.prices().tobytes() == engine.snapshot().tobytes()
            assert state.symbols() == engine.symbols()


def test_writer_that_is_killed_leaves_a_whole_snapshot_or_none(tmp_path):
    """Killed at any moment of some hundred snapshots, each of which replaces another."""
    records = DAYS[0]
    for round_ in range(12):
        child = os.fork()
        if child == 0:
            try:
                for end in range(1, 1_000):
                    write_snapshot(tmp_path, snapshot_at(records[: 1 + end % 5 * 100]), LOG_ID)
            finally:
                os._exit(0)
        threading.Event().wait(0.01 + 0.013 * round_)
        os.kill(child, 9)
        os.waitpid(child, 0)
        for path in tmp_path.glob("*.snapshot"):
            read_snapshot(path, LOG_ID)
    assert newest_good(tmp_path, LOG_ID).sequence == 401
