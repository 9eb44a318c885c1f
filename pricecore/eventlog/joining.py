"""Level 4: blocks of a sealed file joined to longer ones: a live file has one for every commit, and a block of a few
records does not compress."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.compression.records import PLAIN, ZSTD_COLUMNS, encode_block
from pricecore.dtypes import RECORD_DTYPE
from pricecore.eventlog.blocks import Block
from pricecore.eventlog.layout import (
    BLOCK_HEADER_DTYPE,
    BLOCK_MAGIC,
    GAP,
    POSITION,
    RECORDS,
    padded,
)
from pricecore.primitives.crc32 import crc32_of

JOINED_RECORDS = 16_384
"""At most, of a joined block: a megabyte, expanded in two milliseconds, compresses nearly as well as a longer one."""


class Piece(NamedTuple):
    """A block to write."""

    type: int
    first_sequence: int
    records: NDArray[np.void]
    position: bytes
    synced_sequence: int
    gap: tuple[int, int] = (0, 0)
    """Last sequence and reason."""


def joined(blocks: Iterable[Block], most_records: int = JOINED_RECORDS) -> Iterator[Piece]:
    """Yield the same records, gaps and positions in blocks of up to `most_records`.

    A block that is longer stays as it is. Of the positions of joined blocks the last one stays, and it ends its block:
    what came from before it is exactly what stands up to there, as before.

    Threads: that of the iterable. Cost: a copy of the records; memory for `most_records`.
    """
    run: list[Block] = []
    records = 0
    for block in blocks:
        while run and records + block.count > most_records:
            taken, run = _first_piece(run)
            records -= sum(part.count for part in taken)
            yield _piece(taken)
        if block.type == GAP:  # which is the first of its file
            yield _piece([block])
        else:
            run.append(block)
            records += block.count
    while run:
        taken, run = _first_piece(run)
        yield _piece(taken)


def _first_piece(run: list[Block]) -> tuple[list[Block], list[Block]]:
    """Split behind the last block with a position, or take all when there is none."""
    last = max((at for at, block in enumerate(run) if block.position), default=len(run) - 1)
    return run[: last + 1], run[last + 1 :]


def _piece(parts: list[Block]) -> Piece:
    found = [part.records for part in parts if part.records is not None]
    records = np.concatenate(found) if found else np.empty(0, RECORD_DTYPE)
    kind = parts[0].type if len(parts) == 1 else RECORDS if len(records) else POSITION
    gap = (parts[0].last_sequence, parts[0].reason) if kind == GAP else (0, 0)
    synced = max(part.synced_sequence for part in parts)
    return Piece(kind, parts[0].first_sequence, records, parts[-1].position, synced, gap)


def encoded(piece: Piece, previous_crc: int, level: int) -> tuple[bytes, int]:
    """Return the bytes of a block, and its crc. Records that do not become smaller stay plain.

    Threads: any. Cost: that of `encode_block`.
    """
    payload, encoding = _payload(piece, level)
    header = np.zeros(1, BLOCK_HEADER_DTYPE)
    header["magic"], header["type"], header["encoding"] = BLOCK_MAGIC, piece.type, encoding
    header["first_sequence"], header["count"] = piece.first_sequence, len(piece.records)
    header["stored_bytes"], header["position_bytes"] = len(payload), len(piece.position)
    header["synced_sequence"], header["previous_crc"] = piece.synced_sequence, previous_crc
    received_ns = piece.records["received_ns"][piece.records["kind"] <= 1]
    if len(received_ns):
        header["least_ns"], header["greatest_ns"] = received_ns.min(), received_ns.max()
    body = _with_zeros(payload) + _with_zeros(piece.position)
    crc = crc32_of(body, crc32_of(header.tobytes()[:-4]))
    header["crc"] = crc
    return header.tobytes() + body, crc


def _payload(piece: Piece, level: int) -> tuple[bytes, int]:
    if piece.type == GAP:
        return np.array([*piece.gap, 0, 0, 0, 0, 0, 0], "<u8").tobytes(), PLAIN
    if piece.type == POSITION:
        return b"", PLAIN
    plain = piece.records.tobytes()
    stored = encode_block(plain, ZSTD_COLUMNS, level)
    return (stored, ZSTD_COLUMNS) if len(stored) < len(plain) else (plain, PLAIN)


def _with_zeros(data: bytes) -> bytes:
    return data + bytes(padded(len(data)) - len(data))
