"""Reads a log back in plain Python, from FORMAT.md alone: what the writer wrote, judged without the reader."""

import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from models.log_model import BLOCK_HEADER, FILE_HEADER, Gap, pad

from pricecore import RECORD_DTYPE


class Written(NamedTuple):
    """All that stands in a log."""

    records: np.ndarray
    gaps: list[Gap]
    positions: list[tuple[int, bytes]]
    """The last sequence before each position of the source, and the position."""
    heads: list[dict]
    blocks: list[dict]

    def sequences(self) -> list[int]:
        return self.records["sequence"].tolist()


def files_of(folder: Path, kind: str = "log") -> list[Path]:
    return sorted(Path(folder).glob(f"*.{kind}"))


def read_back(folder: Path) -> Written:
    """Read every block of every file; whatever is not as FORMAT.md says fails an assert."""
    found = Written(np.empty(0, RECORD_DTYPE), [], [], [], [])
    parts = []
    next_sequence = None
    for path in files_of(folder):
        data = path.read_bytes()
        head, offset = read_head(data)
        assert int(path.stem) == head["first_sequence"]
        assert next_sequence in (None, head["first_sequence"])
        next_sequence = read_blocks(data, offset, head, found, parts)
        found.heads.append(head)
    return found._replace(records=np.concatenate(parts) if parts else found.records)


def read_head(data: bytes) -> tuple[dict, int]:
    """Return the head of a file, and where its blocks begin."""
    magic, version, size, flags, log_id, first, created_ns, generation, symbols, position_bytes, body_crc, _, crc = (
        FILE_HEADER.unpack_from(data)
    )
    assert (magic, version, size) == (b"PRICELOG", 1, 128)
    assert crc == zlib.crc32(data[:124])
    end = 128 + 64 * symbols + len(pad(bytes(position_bytes)))
    assert body_crc == zlib.crc32(data[128:end])
    names = [data[at + 16 : at + 64].rstrip(b"\0").decode() for at in range(128, 128 + 64 * symbols, 64)]
    position = data[128 + 64 * symbols :][:position_bytes]
    head = {"first_sequence": first, "generation": generation, "log_id": log_id, "names": names, "crc": crc}
    return head | {"position": position, "flags": flags, "created_ns": created_ns}, end


def read_blocks(data: bytes, offset: int, head: dict, found: Written, parts: list) -> int:
    """Read the blocks of one file; return the sequence behind them."""
    crc, next_sequence = head["crc"], head["first_sequence"]
    while offset < len(data):
        fields = BLOCK_HEADER.unpack_from(data, offset)
        magic, kind, encoding, first, count, stored, least, greatest, synced, position_bytes, _, before, own = fields
        assert (magic, before, first) == (b"PCB1", crc, next_sequence), f"block at {offset}"
        payload = len(pad(bytes(stored)))
        end = offset + 64 + payload + len(pad(bytes(position_bytes)))
        assert zlib.crc32(data[offset + 64 : end], zlib.crc32(data[offset : offset + 60])) == own, f"block at {offset}"
        assert kind == 0 or (least, greatest) == (0, 0)
        if kind == 0:
            assert (stored, encoding) == (64 * count, 0)
            records = np.frombuffer(data, RECORD_DTYPE, count, offset + 64)
            updates = records[records["kind"] <= 1]["received_ns"]
            assert (least, greatest) == ((updates.min(), updates.max()) if len(updates) else (0, 0))
            assert records["sequence"].tolist() == list(range(first, first + count))
            parts.append(records)
            next_sequence += count
        elif kind == 1:
            last, reason = struct.unpack_from("<QQ", data, offset + 64)
            assert first == head["first_sequence"], "a gap stands first in its file"
            found.gaps.append(Gap(first, last, reason))
            next_sequence = last + 1
        else:
            assert (kind, count, stored) == (2, 0, 0)
        if position_bytes:
            at = offset + 64 + payload
            found.positions.append((next_sequence - 1, data[at : at + position_bytes]))
        found.blocks.append({"offset": offset, "count": count, "synced": synced, "kind": kind})
        crc, offset = own, end
    return next_sequence
