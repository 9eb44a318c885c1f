"""A log of records that are ready, without an engine."""

import numpy as np
import pytest
from helpers.logs import read_back
from helpers.recorded import name_record, stream, trade

from pricecore import RECORD_DTYPE, EventLog, LogReadOnlyError, PriceEngine
from pricecore.eventlog.verifying import verify


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


def ready(count, first=1, symbols=3):
    """Return records of some symbols, their names first."""
    records = np.zeros(count, RECORD_DTYPE)
    records["sequence"] = np.arange(first, first + count)
    records["symbol_id"] = np.arange(count) % symbols
    records["received_ns"] = 10**18 + np.arange(first, first + count)
    records["price"] = 1.0 + np.arange(count)
    if first == 1:
        for i in range(symbols):
            records[i : i + 1] = name_record(i + 1, i, b"S%d" % i)
    return records


def test_records_are_read_back_as_they_were_given(folder):
    records = ready(100_000)
    with EventLog.writer(folder) as log:
        assert log.append(records[:7]) == 7
        assert log.append(records[7:]) == 100_000
        assert log.append(records[:0]) == 100_000
    assert np.concatenate(list(EventLog.open(folder))).tobytes() == records.tobytes()
    assert read_back(folder).records.tobytes() == records.tobytes()


def test_blocks_of_every_small_size_are_good(folder):
    records = ready(5_000)
    done = 0
    with EventLog.writer(folder) as log:
        for count in range(1, 98):
            log.append(records[done : done + count])
            done += count
    assert np.concatenate(list(EventLog.open(folder))).tobytes() == records[:done].tobytes()
    assert verify(folder).ok


@pytest.mark.parametrize("times", [(5, 0, 7), (0, 0, 0), (-3, 4, 0), (7, 6, -(1 << 63)), ((1 << 63) - 1, 1, 2)])
@pytest.mark.parametrize("with_names", [True, False])
def test_any_received_ns_can_be_read_back(folder, times, with_names):
    records = ready(6)
    records["received_ns"][3:] = times
    with EventLog.writer(folder) as log:
        for part in [records] if with_names else [records[:3], records[3:]]:
            log.append(part)
    assert np.concatenate(list(EventLog.open(folder))).tobytes() == records.tobytes()
    assert verify(folder).ok


@pytest.mark.parametrize("bad", [16_384, 16_385, 39_999])
@pytest.mark.parametrize(
    ("field", "value", "text"),
    [("sequence", 1, "not the next one"), ("symbol_id", 3, "no SYMBOL record"), ("kind", 3, "its kind is none of")],
)
def test_a_wrong_record_far_inside_a_long_array_is_found_before_anything_is_written(folder, bad, field, value, text):
    records = ready(40_000)
    records[field][bad] = value
    with EventLog.writer(folder) as log:
        with pytest.raises(ValueError, match=f"record at index {bad} .*{text}"):
            log.append(records)
        assert log.next_sequence == 1
    assert list(EventLog.open(folder)) == []


def test_a_symbol_may_come_anywhere_in_a_long_array(folder):
    records = ready(50_000)
    for k, place in enumerate((16_383, 16_384, 40_001)):
        records[place : place + 1] = name_record(place + 1, 3 + k, b"LATE%d" % k)
        records["symbol_id"][place + 1 :: 5] = 3 + k
    with EventLog.writer(folder) as log:
        log.append(records)
    assert np.concatenate(list(EventLog.open(folder))).tobytes() == records.tobytes()
    assert verify(folder).ok


def test_a_log_goes_on_where_the_last_writer_ended(folder):
    records = ready(3_000)
    for first in range(0, 3_000, 500):
        with EventLog.writer(folder, durability="disk", rotate_bytes=65_536) as log:
            assert log.next_sequence == first + 1
            log.append(records[first : first + 500])
    assert read_back(folder).records.tobytes() == records.tobytes()
    with PriceEngine(log=folder) as engine:
        assert engine.symbols() == ["S0", "S1", "S2"]
        assert engine.price("S2") == 3_000.0


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        ({"sequence": 6}, "record at index 4 .sequence 6, the next one is 5.: its sequence is not the next one"),
        ({"symbol_id": 3}, "its symbol_id has no SYMBOL record"),
        ({"kind": 7}, "its kind is none of 0, 1, 2, 255"),
        ({"kind": 2, "symbol_id": 5}, "its symbol_id is not the next one"),
        ({"kind": 2, "symbol_id": 3, "flags": 0}, "its name is not 1 to 48 bytes of UTF-8"),
        ({"kind": 2, "symbol_id": 3, "flags": 49}, "its name is not 1 to 48 bytes of UTF-8"),
    ],
)
def test_an_array_with_a_wrong_record_is_refused_as_a_whole(folder, spoil, text):
    records = ready(10)
    for field, value in spoil.items():
        records[field][4] = value
    with EventLog.writer(folder) as log:
        with pytest.raises(ValueError, match=text):
            log.append(records)
        assert log.next_sequence == 1
        log.append(ready(10))
    assert read_back(folder).sequences() == list(range(1, 11))


@pytest.mark.parametrize("name", [b"\xff", b"A\0B", b""])
def test_a_name_that_is_none_is_refused(folder, name):
    records = stream(name_record(1, 0, name), trade(2, 0, 1.0))
    with EventLog.writer(folder) as log, pytest.raises(ValueError, match="its name is not 1 to 48 bytes"):
        log.append(records)


def test_a_name_that_has_an_id_is_refused(folder):
    with EventLog.writer(folder) as log:
        log.append(stream(name_record(1, 0, b"A")))
        with pytest.raises(ValueError, match="record 2: its name has an id already"):
            log.append(stream(name_record(2, 1, b"A")))


@pytest.mark.parametrize("records", [[1], np.zeros(3), np.zeros((2, 2), RECORD_DTYPE), b"x" * 64])
def test_what_is_no_array_of_records_is_refused(folder, records):
    with EventLog.writer(folder) as log, pytest.raises(TypeError, match="one-dimensional array of RECORD_DTYPE"):
        log.append(records)


def test_a_closed_writer_says_so_and_lets_others_write(folder):
    log = EventLog.writer(folder)
    with pytest.raises(LogReadOnlyError):
        EventLog.writer(folder)
    log.close()
    log.close()
    with pytest.raises(ValueError, match="this log writer is closed"):
        log.append(ready(3))
    EventLog.writer(folder).close()


def test_options_of_an_engine_alone_are_refused(folder):
    with pytest.raises(TypeError, match=r"full is no option of EventLog\.writer; it takes durability"):
        EventLog.writer(folder, full="skip")


def test_a_mark_is_the_source_position_of_the_log(folder):
    with EventLog.writer(folder) as log:
        log.append(ready(5))
        log.mark(b"five")
        log.append(ready(2, first=6))
    with EventLog.open(folder) as log:
        assert (log.source_position, log.source_position_sequence) == (b"five", 5)
    assert read_back(folder).positions == [(5, b"five")]


@pytest.mark.parametrize(
    ("position", "error", "text"),
    [
        ("a.csv:7", TypeError, "is bytes, not str 'a.csv:7'"),
        (b"", ValueError, "1 to 4,096 bytes, this one has 0"),
        (bytes(4_097), ValueError, "this one has 4097"),
    ],
    ids=["text", "empty", "too long"],
)
def test_a_mark_that_is_no_position_is_refused_and_changes_nothing(folder, position, error, text):
    with EventLog.writer(folder) as log:
        log.append(ready(10))
        log.mark(b"a.csv:7")
        with pytest.raises(error, match=text):
            log.mark(position)
    assert EventLog.open(folder).source_position == b"a.csv:7"


def test_what_was_synced_is_in_the_file_and_the_writer_goes_on(folder):
    with EventLog.writer(folder) as log:
        log.append(ready(10))
        log.sync()
        assert read_back(folder).sequences() == list(range(1, 11))
        log.append(ready(5, first=11))
        assert not log.closed
    assert log.closed
    assert read_back(folder).sequences() == list(range(1, 16))
    with pytest.raises(ValueError, match="this log writer is closed"):
        log.sync()
