"""The folder of a log as one input: its files between separators, and checksums put right where that is asked.

An input begins with a byte of `SEAL_*` flags. A file is SEPARATOR, a byte that says its kind, one that says the
sequence in its name, and its bytes up to the next separator. Without right checksums nearly all mutations would end at
the first one; with them they come to what stands behind. The walk is written from FORMAT.md, not taken from the reader.
"""

import struct
import zlib
from pathlib import Path

SEPARATOR = b"\xffFILE"
KINDS = ("log", "index", "snapshot")
SEAL_HEAD, SEAL_BLOCKS, SEAL_CHAIN = 1, 2, 4
NAME_FROM_HEADER, HIGHEST_NAME = 255, 254
MAX_FILES = 4
HEADER_BYTES, BLOCK_BYTES = 128, 64


def write_folder(folder: Path, data: bytes) -> list[Path]:
    """Write the files of an input; return their paths."""
    flags = data[0] if data else 0
    paths = []
    for part in data[1:].split(SEPARATOR)[1 : MAX_FILES + 1]:
        kind = KINDS[part[0] % len(KINDS)] if part else "log"
        content = sealed(part[2:], kind, flags)
        path = folder / f"{_sequence_of(part, content):020d}.{kind}"
        path.write_bytes(content)
        paths.append(path)
    return paths


def input_of(flags: int, *paths: Path) -> bytes:
    """Return the input that these files make: for seeds."""
    parts = [bytes([flags])]
    for path in paths:
        kind, sequence = KINDS.index(path.suffix[1:]), int(path.stem)
        parts += [SEPARATOR, bytes([kind, min(sequence, NAME_FROM_HEADER)]), path.read_bytes()]
    return b"".join(parts)


def _sequence_of(part: bytes, content: bytes) -> int:
    sequence = part[1] if len(part) > 1 else 1
    if sequence == NAME_FROM_HEADER:
        sequence = int.from_bytes(content[32:40], "little")
    return 10**20 - 1 if sequence == HIGHEST_NAME else sequence


def sealed(content: bytes, kind: str, flags: int) -> bytes:
    """Return the content of a file with those checksums right that the flags name."""
    if kind == "index":
        return _sealed_index(content) if flags & SEAL_HEAD else content
    if len(content) < HEADER_BYTES:
        return content
    body = bytearray(content)
    if flags & SEAL_HEAD:
        end = _body_end(body, 64 if kind == "log" else 192)
        struct.pack_into("<I", body, 64, zlib.crc32(body[HEADER_BYTES:end]))
        struct.pack_into("<I", body, 124, zlib.crc32(body[:124]))
    if kind == "log":
        _seal_blocks(body, flags)
    return bytes(body)


def _padded(size_bytes: int) -> int:
    return -(-size_bytes // 64) * 64


def _body_end(body: bytearray, symbol_bytes: int) -> int:
    symbols, position_bytes = struct.unpack_from("<II", body, 56)
    return HEADER_BYTES + symbol_bytes * symbols + _padded(position_bytes)


def _sealed_index(content: bytes) -> bytes:
    return content[:12] + struct.pack("<I", zlib.crc32(content[16:])) + content[16:]


def _seal_blocks(body: bytearray, flags: int) -> None:
    """Go from block to block by the lengths that they state, as far as those lead."""
    at, before = _body_end(body, 64), struct.unpack_from("<I", body, 124)[0]
    while at + BLOCK_BYTES <= len(body):
        stored_bytes, position_bytes = (
            struct.unpack_from("<I", body, at + 20)[0],
            struct.unpack_from("<I", body, at + 48)[0],
        )
        end = at + BLOCK_BYTES + _padded(stored_bytes) + _padded(position_bytes)
        if end > len(body):
            return
        if flags & SEAL_CHAIN:
            struct.pack_into("<I", body, at + 56, before)
        if flags & SEAL_BLOCKS:
            crc = zlib.crc32(body[at + BLOCK_BYTES : end], zlib.crc32(body[at : at + 60]))
            struct.pack_into("<I", body, at + 60, crc)
        at, before = end, struct.unpack_from("<I", body, at + 60)[0]
