"""The worked example in FORMAT.md is a log: the encoder writes it, the decoder and the reader read it."""

import re
import struct
from pathlib import Path

import pytest
from models.log_model import (
    LOG_ID,
    PRICE,
    RECORD,
    START_NS,
    block,
    crc_of,
    decode,
    file_head,
    symbol_record,
)

import pricecore

DOCUMENT = Path(pricecore.__file__).parent / "eventlog" / "FORMAT.md"
RECORDS = [
    symbol_record(1, 0, "BINANCE:BTCUSDT"),
    RECORD.pack(2, 0, PRICE, 0, START_NS, START_NS + 1_000_000, 61737.63, 0.5, 1.25, 0.0),
]
POSITION = b"trades.csv:57"


@pytest.fixture(scope="module")
def example() -> bytes:
    """Return the bytes of the hex dump in the document; lines left out are zeros."""
    data = bytearray(0x180)
    for line in re.findall(r"^[0-9a-f]{4}  (?:[0-9a-f]{2} ){15}[0-9a-f]{2}", DOCUMENT.read_text(), re.MULTILINE):
        offset = int(line[:4], 16)
        data[offset : offset + 16] = bytes.fromhex(line[4:])
    return bytes(data)


def test_the_encoder_writes_the_example(example):
    head = file_head(1)
    assert example == head + block(crc_of(head), 1, b"".join(RECORDS), POSITION)


def test_the_decoder_reads_the_example(example):
    found = decode(example, 1)
    assert (found.records, found.position, found.end_offset) == (RECORDS, POSITION, len(example))


def test_the_reader_reads_the_example(example, tmp_path):
    (tmp_path / f"{1:020d}.log").write_bytes(example)
    with pricecore.EventLog.open(tmp_path) as log:
        assert [records.tobytes() for records in log] == [b"".join(RECORDS)]
        assert (log.symbols(), log.source_position, log.source_position_sequence) == (["BINANCE:BTCUSDT"], POSITION, 2)
        assert (log.log_id, log.generation, log.torn) == (LOG_ID, 1, None)


def test_what_the_example_says_stands_where_the_tables_say(example):
    assert struct.unpack_from("<QIHHqqddd", example, 0x100)[6:] == (61737.63, 0.5, 1.25)
    assert struct.unpack_from("<I", example, 0x80 + 56) == struct.unpack_from("<I", example, 124)
