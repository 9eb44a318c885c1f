"""How far a log file is good: cut at every byte, every bit flipped, every page lost."""

import pytest
from models.log_model import (
    GAP,
    GAP_TYPE,
    PRICE,
    RECORD,
    START_NS,
    LogModel,
    block,
    crc_of,
    cut,
    decode,
    duplicate,
    fix_checksums,
    fixed_header,
    flip,
    put,
    symbol_record,
    zero_page,
)

from pricecore.errors import LogCorruptError
from pricecore.eventlog.blocks import AT_END, BlockReader
from pricecore.eventlog.heads import open_log_file, read_head
from pricecore.eventlog.scanning import scan_file


@pytest.fixture
def log(tmp_path) -> LogModel:
    return LogModel(tmp_path / "log")


def small(log: LogModel) -> LogModel:
    """Two blocks with two records and a position each."""
    log.symbol("A")
    log.price(0, 1.5)
    log.write(b"one")
    log.quote(0, 2.5)
    log.void()
    log.write(b"two")
    return log


def read(path) -> list[bytes]:
    """Return the records of one file as the reader gives them."""
    file = open_log_file(str(path))
    head = read_head(file.descriptor, str(path))
    reader = BlockReader(file, str(path))
    reader.start(head.size_bytes, head.first_sequence, head.crc, len(head.symbols))
    found = []
    while block := reader.next():
        found += [] if block.records is None else [record.tobytes() for record in block.records]
    return found


def lengths(log: LogModel) -> tuple[int, ...]:
    return log.path.stat().st_size, *(end for _, end in log.blocks)


def test_a_scan_tells_what_stands_in_a_file(log):
    small(log)
    log.mark(b"three")
    scan = scan_file(log.path)
    assert (scan.records, scan.blocks, scan.symbols, scan.last_sequence) == (4, 3, 1, 4)
    assert (scan.end_offset, scan.size_bytes, scan.tail) == (lengths(log)[0], lengths(log)[0], None)
    assert (scan.position, scan.position_sequence, scan.last_crc) == (b"three", 4, log.crc)
    assert scan.new_symbols["name"].tolist() == [b"A"]


def test_a_file_of_nothing_but_its_head_is_whole(log):
    scan = scan_file(log.path)
    assert (scan.records, scan.last_sequence, scan.end_offset, scan.tail) == (0, 0, 128, None)
    assert scan.last_crc == crc_of(log.path.read_bytes())


def test_the_head_of_a_later_file_tells_symbols_and_position(log):
    small(log).begin()
    scan = scan_file(log.path, sealed=True)
    assert (scan.head.first_sequence, scan.symbols, scan.position, scan.position_sequence) == (5, 1, b"two", 4)
    assert scan.head.symbols["name"].tolist() == [b"A"]


def test_a_file_cut_at_any_byte_is_good_up_to_its_last_whole_block(log):
    whole = small(log).path.read_bytes()
    (first, behind_first), (_, behind_second) = log.blocks
    for size in range(len(whole)):
        cut(log.path, size)
        scan = scan_file(log.path)
        end = behind_first if size >= behind_first else first if size >= first else 0
        assert scan.end_offset == end
        assert scan.records == (2 if size >= behind_first else 0)
        if size == end:
            assert scan.tail is None or size == 0
        else:
            known = size - end >= 64 and end > 0  # the block's header is there, and says how many are lost
            assert scan.tail[:3] == (end, size - end, 2 if known else None), size
        assert (scan.records == 0 and size < first) or read(log.path) == log.records[: scan.records]
        log.path.write_bytes(whole)
    assert scan_file(log.path).end_offset == behind_second


def test_a_sealed_file_cut_at_any_byte_is_damaged(log):
    whole = small(log).path.read_bytes()
    ends = {log.blocks[0][0], log.blocks[0][1]}
    for size in range(len(whole)):
        cut(log.path, size)
        if size not in ends:
            with pytest.raises(LogCorruptError) as caught:
                scan_file(log.path, sealed=True)
            assert caught.value.offset == max([end for end in ends if end <= size], default=caught.value.offset)
        log.path.write_bytes(whole)


@pytest.mark.slow
def test_no_flipped_bit_gives_a_wrong_record(log):
    whole = small(log).path.read_bytes()
    for bit in range(8 * len(whole)):
        flip(log.path, bit)
        expected = decode(log.path.read_bytes(), 1)
        try:
            scan = scan_file(log.path)
        except LogCorruptError:
            assert bit // 8 < 128, "with nothing synced, only the head is not a crash's"
        else:
            assert not expected.damaged
            assert (scan.records, scan.end_offset) == (len(expected.records), expected.end_offset), bit
            assert scan.records < 4
            assert scan.head is None or read(log.path) == expected.records
        log.path.write_bytes(whole)


def test_a_flipped_bit_before_what_was_synced_is_damage(log):
    small(log)
    log.price(0, 9.0)
    log.write(synced=4)
    whole = log.path.read_bytes()
    for bit in range(8 * 128, 8 * log.blocks[1][1], 7):
        flip(log.path, bit)
        with pytest.raises(LogCorruptError, match=r"is missing|are missing"):
            scan_file(log.path)
        log.path.write_bytes(whole)


@pytest.mark.parametrize(("synced", "torn"), [(0, True), (2, True), (3, False), (4, False)])
def test_a_lost_block_is_torn_only_when_it_had_not_reached_the_disk(log, synced, torn):
    small(log)
    log.price(0, 9.0)
    log.write(synced=synced)
    begin, end = log.blocks[1]
    put(log.path, begin, bytes(end - begin))
    if torn:
        assert scan_file(log.path).tail[:3] == (begin, log.path.stat().st_size - begin, 3)
    else:
        with pytest.raises(LogCorruptError) as caught:
            scan_file(log.path)
        assert caught.value.offset == begin


def test_a_page_of_zeros_costs_what_it_held_and_what_follows(log):
    log.fill(blocks=200, records=3)
    ends = [log.blocks[0][0], *(end for _, end in log.blocks)]
    zero_page(log.path, 5)
    scan = scan_file(log.path)
    good = max(k for k, end in enumerate(ends) if end <= 5 * 4096)
    assert (scan.end_offset, scan.records) == (ends[good], 3 * good)
    assert scan.tail.records == 3 * (200 - good)
    assert read(log.path) == log.records[: 3 * good]


def test_a_block_that_stands_there_twice_is_no_second_one(log):
    small(log)
    duplicate(log.path, *log.blocks[1])
    scan = scan_file(log.path)
    assert (scan.records, scan.end_offset, scan.tail.records) == (4, log.blocks[1][1], None)


def test_whole_blocks_of_another_file_do_not_pass(log, tmp_path):
    small(log)
    other = LogModel(tmp_path / "other", created_ns=START_NS + 1)
    small(other)
    begin, end = log.blocks[1]
    put(log.path, begin, other.path.read_bytes()[begin:end])
    assert scan_file(log.path).end_offset == begin


def damage(log: LogModel, offset: int, new: bytes) -> LogCorruptError:
    """Write these bytes, make all checksums right, and return what the scan finds."""
    put(log.path, offset, new)
    fix_checksums(log.path)
    with pytest.raises(LogCorruptError) as caught:
        scan_file(log.path)
    return caught.value


@pytest.mark.parametrize(
    ("at", "new", "reason"),
    [
        (64, b"\x07", "sequence is not the one"),
        (64 + 12, b"\x03", "unknown kind"),
        (64 + 14, b"\x00\x00", "name is empty"),
        (64 + 14, b"\x31\x00", "name is empty"),
        (64 + 63, b"x", "name is empty"),
        (64 + 8, b"\x01", "symbol_id"),
        (128 + 8, b"\x01", "symbol_id"),
        (128 + 24, b"\x01", "received_ns"),
        (8, b"\x02", "first sequence does not follow"),
    ],
)
def test_a_block_with_right_checksums_and_wrong_content_is_damage(log, at, new, reason):
    small(log)
    error = damage(log, log.blocks[0][0] + at, new)
    assert error.offset == log.blocks[0][0]
    assert reason in error.reason


@pytest.mark.parametrize("at", [4, 6, 16, 20, 48])
def test_impossible_fields_of_a_block_end_the_file_there(log, at):
    small(log)
    put(log.path, log.blocks[1][0] + at, b"\xff\xff\xff\xff"[: 2 if at < 8 else 4])
    scan = scan_file(log.path)
    assert (scan.end_offset, scan.tail.records) == (log.blocks[1][0], None)


@pytest.mark.parametrize("at", [48, 56, 60])
def test_impossible_lengths_in_a_head_are_not_asked_for(log, at):
    small(log).begin()
    put(log.path, at, b"\xff\xff\xff\xff")
    fix_checksums_of_header(log)
    if at == 60:
        with pytest.raises(LogCorruptError, match="position of 4294967295 bytes"):
            scan_file(log.path)
    elif at == 56:
        assert scan_file(log.path).head is None
        with pytest.raises(LogCorruptError, match="ends inside its symbols"):
            scan_file(log.path, sealed=True)
    else:
        assert scan_file(log.path).head.generation == 2**32 - 1


def fix_checksums_of_header(log: LogModel) -> None:
    data = log.path.read_bytes()
    log.path.write_bytes(fixed_header(data[:128]) + data[128:])


@pytest.mark.parametrize(
    "symbol",
    [
        symbol_record(1, 1, "A"),
        symbol_record(1, 0, ""),
        symbol_record(1, 0, "A" * 48, length=49),
        symbol_record(1, 0, "AB", length=1),
        RECORD.pack(1, 0, PRICE, 1, 0, 0, 0.0, 0.0, 0.0, 0.0),
    ],
    ids=["id", "empty", "long", "short", "kind"],
)
def test_a_head_with_a_symbol_that_is_none_is_damage(log, symbol):
    small(log)
    log.symbols = [symbol]
    log.begin()
    with pytest.raises(LogCorruptError, match="not the SYMBOL record of id 0") as caught:
        scan_file(log.path)
    assert caught.value.offset == 128


def test_names_may_hold_zero_bytes_as_an_engine_takes_them(log):
    small(log)
    log.symbols = [symbol_record(1, 0, b"A\0B", length=3), symbol_record(2, 1, b"\0", length=1)]
    log.begin()
    assert len(scan_file(log.path).head.symbols) == 2


def test_a_block_of_more_records_than_the_format_allows_is_none(log):
    log.symbol("A")
    for _ in range(65_535):
        log.void()
    log.write()
    assert scan_file(log.path).records == 65_536
    for _ in range(65_537):
        log.void()
    log.write()
    assert scan_file(log.path).end_offset == log.blocks[0][1]


def test_times_of_a_block_are_those_of_prices_and_quotes(log):
    log.symbol("A")
    log.void()
    log.write()
    log.price(0, 1.0, received_ns=7)
    log.quote(0, 1.0, received_ns=3)
    log.write()
    assert scan_file(log.path).entries["least_ns"].tolist() == [3]
    log.price(0, 1.0, received_ns=7)
    log.write(times=(6, 7))
    with pytest.raises(LogCorruptError, match="received_ns"):
        scan_file(log.path)


def test_a_gap_stands_first_in_its_file(log):
    small(log).gap(5, reason=2)
    log.price(0, 1.0)
    log.write()
    scan = scan_file(log.path)
    assert (scan.gaps, scan.last_sequence, scan.records) == (((5, 9, "never_logged"),), 10, 1)
    log.append(block(log.crc, 11, GAP.pack(20, 1), kind=GAP_TYPE, times=(0, 0)))
    with pytest.raises(LogCorruptError, match="gap"):
        scan_file(log.path)


@pytest.mark.parametrize("last", [4, 0, 2**62, 2**64 - 1])
def test_a_gap_that_ends_nowhere_is_damage(log, last):
    small(log).gap(1)
    error = damage(log, log.blocks[0][0] + 64, last.to_bytes(8, "little"))
    assert "gap" in error.reason


def test_a_tail_of_false_headers_is_given_up(log):
    """Each says that megabytes follow: looking at all of them would take hours."""
    small(log)
    header = log.path.read_bytes()[log.blocks[0][0] :][:64]
    header = header[:16] + (65_536).to_bytes(4, "little") + (4 << 20).to_bytes(4, "little") + header[24:]
    with log.path.open("ab") as file:
        file.write(header * (8 << 14))
    with pytest.raises(LogCorruptError, match="too many headers"):
        scan_file(log.path)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 4096, 100_000])
def test_zeros_behind_the_last_block_are_torn(log, size):
    small(log)
    put(log.path, log.blocks[1][1], bytes(size))
    assert scan_file(log.path).tail[:3] == (log.blocks[1][1], size, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello, world", "no log file"),
        (b"hello, world" * 100, "no log file"),
        (b"PRICESNP" + bytes(200), "no log file"),
        (b"PRICELOG\x02\x00" + bytes(200), "version 2"),
    ],
)
def test_a_foreign_file_is_never_taken_for_a_torn_one(log, content, reason):
    log.path.write_bytes(content)
    with pytest.raises(LogCorruptError, match=reason):
        scan_file(log.path)


@pytest.mark.parametrize("content", [b"", b"PRICE", b"PRICELOG" + bytes(20), bytes(50), bytes(5_000)])
def test_a_head_that_was_not_finished_is_torn(log, content):
    log.path.write_bytes(content)
    scan = scan_file(log.path)
    assert (scan.head, scan.last_sequence, scan.tail[:3]) == (None, 0, (0, len(content), None))


def test_a_file_under_the_wrong_name_is_damage(log):
    small(log)
    wrong = log.path.with_name(f"{7:020d}.log")
    log.path.rename(wrong)
    with pytest.raises(LogCorruptError, match="sequence 1 is first"):
        scan_file(wrong)


def test_a_reader_that_came_too_early_finds_the_block_later(log):
    small(log)
    whole = log.path.read_bytes()
    cut(log.path, len(whole) - 1)
    file = open_log_file(str(log.path))
    reader = BlockReader(file, str(log.path))
    reader.start(128, 1, crc_of(whole), 0)
    assert reader.next().count == 2
    assert reader.next() is None
    log.path.write_bytes(whole)
    assert reader.next().records.tobytes() == b"".join(log.records[2:])
    assert (reader.next(), reader.verdict) == (None, AT_END)


def test_records_stay_as_they_were_read_whatever_becomes_of_the_file(log):
    log.fill(blocks=3000, records=8)
    file = open_log_file(str(log.path))
    reader = BlockReader(file, str(log.path))
    reader.start(128, 1, crc_of(log.path.read_bytes()), 0)
    blocks = []
    while block := reader.next():
        blocks.append(block.records)
    cut(log.path, 0)
    assert b"".join(records.tobytes() for records in blocks) == b"".join(log.records)
    with pytest.raises(ValueError, match="read-only"):
        blocks[0]["price"] = 0.0


def test_a_file_with_another_name_is_no_log_file(tmp_path):
    path = tmp_path / "notes.log"
    path.write_bytes(b"PRICELOG")
    with pytest.raises(LogCorruptError, match="its name is not 20 digits"):
        scan_file(path)
