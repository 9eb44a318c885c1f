"""The event log in plain Python, written from pricecore/eventlog/FORMAT.md alone: an encoder, a decoder, and ways to
spoil a file."""

import math
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

FILE_HEADER = struct.Struct("<8sHHI16sQqQIII56sI")
BLOCK_HEADER = struct.Struct("<4sHHQIIqqQIIII")
RECORD = struct.Struct("<QIHHqqdddd")
SYMBOL = struct.Struct("<QIHH48s")
GAP = struct.Struct("<QQ48x")
PRICE, QUOTE, SYMBOL_KIND, VOID = 0, 1, 2, 255
RECORDS_TYPE, GAP_TYPE, POSITION_TYPE = 0, 1, 2
LOG_ID = bytes(range(16))
MICROSECOND_NS = 1_000
START_NS = 1_700_000_000_000_000_000


class Gap(NamedTuple):
    first_sequence: int
    last_sequence: int
    reason: int


def pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 64)


def symbol_record(sequence: int, symbol_id: int, name: str | bytes, length: int | None = None) -> bytes:
    encoded = name.encode() if isinstance(name, str) else name
    length = len(encoded) if length is None else length
    return SYMBOL.pack(sequence, symbol_id, SYMBOL_KIND, length, encoded)


def file_head(
    first_sequence: int,
    symbols: list[bytes] = (),
    position: bytes = b"",
    *,
    log_id: bytes = LOG_ID,
    generation: int = 1,
    created_ns: int = START_NS,
    flags: int = 0,
    version: int = 1,
    symbol_count: int | None = None,
    position_bytes: int | None = None,
) -> bytes:
    """Return header, symbols and position."""
    body = b"".join(symbols) + pad(position)
    symbol_count = len(symbols) if symbol_count is None else symbol_count
    position_bytes = len(position) if position_bytes is None else position_bytes
    header = FILE_HEADER.pack(
        b"PRICELOG",
        version,
        128,
        flags,
        log_id,
        first_sequence,
        created_ns,
        generation,
        symbol_count,
        position_bytes,
        zlib.crc32(body),
        bytes(56),
        0,
    )
    return fixed_header(header) + body


def fixed_header(header: bytes) -> bytes:
    return header[:124] + struct.pack("<I", zlib.crc32(header[:124]))


def block(
    previous_crc: int,
    first_sequence: int,
    payload: bytes,
    position: bytes = b"",
    *,
    kind: int = RECORDS_TYPE,
    synced: int = 0,
    encoding: int = 0,
    count: int | None = None,
    times: tuple[int, int] | None = None,
    stored_bytes: int | None = None,
) -> bytes:
    """Return one block, its checksum right."""
    count = (len(payload) // 64 if kind == RECORDS_TYPE else 0) if count is None else count
    least_ns, greatest_ns = times_of(payload) if times is None else times
    stored_bytes = len(payload) if stored_bytes is None else stored_bytes
    fields = (b"PCB1", kind, encoding, first_sequence, count, stored_bytes, least_ns, greatest_ns)
    header = BLOCK_HEADER.pack(*fields, synced, len(position), 0, previous_crc, 0)
    return fixed_block(header + pad(payload) + pad(position))


def fixed_block(data: bytes) -> bytes:
    return data[:60] + struct.pack("<I", zlib.crc32(data[64:], zlib.crc32(data[:60]))) + data[64:]


def crc_of(block_or_header: bytes) -> int:
    """Return the crc that the next block chains to."""
    return struct.unpack_from("<I", block_or_header, 60 if block_or_header.startswith(b"PCB1") else 124)[0]


def times_of(payload: bytes) -> tuple[int, int]:
    records = (RECORD.unpack_from(payload, at) for at in range(0, len(payload) // 64 * 64, 64))
    received = [record[5] for record in records if record[2] in (PRICE, QUOTE)]
    return (min(received), max(received)) if received else (0, 0)


class LogModel:
    """A log on the disk, written as FORMAT.md says, and all that was written into it."""

    def __init__(self, folder: Path, first_sequence: int = 1, **head) -> None:
        self.folder = folder
        self.head = head
        self.records: list[bytes] = []
        self.symbols: list[bytes] = []
        self.gaps: list[Gap] = []
        self.staged: list[bytes] = []
        self.next_sequence = self.written = first_sequence
        self.position = b""
        self.blocks: list[tuple[int, int]] = []
        folder.mkdir(exist_ok=True)
        self.begin()

    def begin(self) -> None:
        """Begin a file."""
        self.path = self.folder / f"{self.next_sequence:020d}.log"
        head = file_head(self.next_sequence, self.symbols, self.position, **self.head)
        self.path.write_bytes(head)
        self.crc = crc_of(head[:128])
        self.blocks = []

    def symbol(self, name: str) -> int:
        symbol_id = len(self.symbols)
        record = symbol_record(self.next_sequence, symbol_id, name)
        self.symbols.append(record)
        self.stage(record)
        return symbol_id

    def price(self, symbol_id: int, price: float, received_ns: int | None = None) -> None:
        received_ns = START_NS + self.next_sequence * MICROSECOND_NS if received_ns is None else received_ns
        fields = (self.next_sequence, symbol_id, PRICE, 2, 0, received_ns, price, 1.0, math.nan, 0.0)
        self.stage(RECORD.pack(*fields))

    def quote(self, symbol_id: int, bid: float, received_ns: int | None = None) -> None:
        received_ns = START_NS + self.next_sequence * MICROSECOND_NS if received_ns is None else received_ns
        fields = (self.next_sequence, symbol_id, QUOTE, 2, 0, received_ns, bid, bid + 1, 1.0, 2.0)
        self.stage(RECORD.pack(*fields))

    def void(self) -> None:
        self.stage(RECORD.pack(self.next_sequence, 0, VOID, 0, 0, 0, 0.0, 0.0, 0.0, 0.0))

    def stage(self, record: bytes) -> None:
        self.staged.append(record)
        self.next_sequence += 1

    def write(self, position: bytes = b"", synced: int = 0, **fields) -> None:
        """Write a block of what is staged."""
        first = self.next_sequence - len(self.staged)
        self.append(block(self.crc, first, b"".join(self.staged), position, synced=synced, **fields))
        self.records += self.staged
        self.staged = []
        self.position = position or self.position

    def mark(self, position: bytes) -> None:
        """Write a block that holds a position alone."""
        self.append(block(self.crc, self.next_sequence, b"", position, kind=POSITION_TYPE))
        self.position = position

    def gap(self, count: int, reason: int = 1, names: list[str] = ()) -> None:
        """Lose records, these symbols among them: a new file, which begins with the gap."""
        first = self.next_sequence
        for k, name in enumerate(names):
            self.symbols.append(symbol_record(first + k, len(self.symbols), name))
        self.begin()
        self.append(block(self.crc, first, GAP.pack(first + count - 1, reason), kind=GAP_TYPE))
        self.next_sequence += count
        self.gaps.append(Gap(first, first + count - 1, reason))

    def append(self, data: bytes) -> None:
        begin = self.path.stat().st_size
        with self.path.open("ab") as file:
            file.write(data)
        self.blocks.append((begin, begin + len(data)))
        self.crc = crc_of(data)

    def fill(self, blocks: int = 3, records: int = 4) -> None:
        """Write blocks of prices of one symbol, the first with its SYMBOL record."""
        for _ in range(blocks):
            symbol_id = 0 if self.symbols else self.symbol("BINANCE:BTCUSDT")
            for k in range(records - len(self.staged)):
                self.price(symbol_id, 100.0 + k)
            self.write()


class Decoded(NamedTuple):
    """What stands in one file, up to the first byte that is not good."""

    records: list[bytes]
    gaps: list[Gap]
    position: bytes
    end_offset: int
    next_sequence: int
    damaged: bool
    """The tail holds what a writer cannot have left."""


def decode(data: bytes, first_sequence: int) -> Decoded:
    """Read one file of plain blocks."""
    head_bytes = head_length(data)
    if head_bytes is None:
        damaged = bool(data[:8].strip(b"\0")) and not b"PRICELOG".startswith(data[:8])
        damaged = damaged or any(whole_block(data, at) for at in range(0, len(data), 64))
        return Decoded([], [], b"", 0, first_sequence, damaged)
    at, sequence, crc = head_bytes, first_sequence, crc_of(data[:128])
    count, position_bytes = FILE_HEADER.unpack_from(data)[8:10]
    position = data[128 + 64 * count :][:position_bytes]
    records, gaps = [], []
    while found := whole_block(data, at):
        header, length = found
        if header[11] != crc or header[3] != sequence:
            break
        payload = data[at + 64 : at + 64 + header[5]]
        if header[1] == RECORDS_TYPE:
            records += [payload[k : k + 64] for k in range(0, len(payload), 64)]
            sequence += header[4]
        elif header[1] == GAP_TYPE:
            last, reason = GAP.unpack(payload)
            gaps.append(Gap(sequence, last, reason))
            sequence = last + 1
        if header[9]:
            behind = at + 64 + len(pad(payload))
            position = data[behind : behind + header[9]]
        at, crc = at + length, header[12]
    found = (whole_block(data, k) for k in range(at, len(data), 64))
    damaged = any(one and one[0][8] >= sequence for one in found)
    return Decoded(records, gaps, position, at, sequence, damaged)


def head_length(data: bytes) -> int | None:
    """Return where the blocks begin; None: the head is not complete and good."""
    if len(data) < 128 or data[:8] != b"PRICELOG" or fixed_header(data[:128]) != data[:128]:
        return None
    fields = FILE_HEADER.unpack_from(data)
    length = 128 + 64 * fields[8] + -(-fields[9] // 64) * 64
    return length if len(data) >= length and zlib.crc32(data[128:length]) == fields[10] else None


def whole_block(data: bytes, at: int) -> tuple[tuple, int] | None:
    """Return header and length of the block that stands here with its own crc right."""
    if len(data) < at + 64 or data[at : at + 4] != b"PCB1":
        return None
    header = BLOCK_HEADER.unpack_from(data, at)
    length = 64 + -(-header[5] // 64) * 64 + -(-header[9] // 64) * 64
    if len(data) < at + length:
        return None
    whole = data[at : at + length]
    return (header, length) if fixed_block(whole) == whole else None


def cut(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size_bytes)


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def zero_page(path: Path, page: int, page_bytes: int = 4096) -> None:
    data = bytearray(path.read_bytes())
    part = data[page * page_bytes : (page + 1) * page_bytes]
    data[page * page_bytes : page * page_bytes + len(part)] = bytes(len(part))
    path.write_bytes(data)


def put(path: Path, offset: int, new: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[offset : offset + len(new)] = new
    path.write_bytes(data)


def duplicate(path: Path, begin: int, end: int) -> None:
    """Append a copy of a part."""
    data = path.read_bytes()
    path.write_bytes(data + data[begin:end])


def fix_checksums(path: Path, chain: bool = True) -> None:
    """Make every crc right again, and the chain when asked, wherever headers still tell lengths."""
    data = bytearray(path.read_bytes())
    data[:128] = fixed_header(bytes(data[:128]))
    count, position_bytes = FILE_HEADER.unpack_from(data)[8:10]
    at, crc = 128 + 64 * count + -(-position_bytes // 64) * 64, crc_of(data[:128])
    while data[at : at + 4] == b"PCB1":
        header = BLOCK_HEADER.unpack_from(data, at)
        length = 64 + -(-header[5] // 64) * 64 + -(-header[9] // 64) * 64
        if chain:
            struct.pack_into("<I", data, at + 56, crc)
        data[at : at + length] = fixed_block(bytes(data[at : at + length]))
        at, crc = at + length, crc_of(data[at : at + 64])
    path.write_bytes(data)
