"""Level 4: a log file is written anew as a whole: under a draft's name, synced, then renamed."""

import os
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pricecore.eventlog.files import sync_folder
from pricecore.eventlog.layout import (
    BLOCK_HEADER_DTYPE,
    BLOCK_MAGIC,
    DAMAGED,
    FILE_HEADER_DTYPE,
    GAP,
    LOG_MAGIC,
    REWRITTEN,
    SYMBOL_DTYPE,
    VERSION,
    file_name,
    padded,
)
from pricecore.primitives.crc32 import crc32_of
from pricecore.primitives.new_file import create_file

_CRC = struct.Struct("<I")
_CHAIN_AT, _CRC_AT, _BLOCK_BYTES = 56, 60, BLOCK_HEADER_DTYPE.itemsize
_GAP = struct.Struct("<QQ48x")


class Origin(NamedTuple):
    """What a head says of the log."""

    log_id: bytes
    generation: int
    created_ns: int


class Draft:
    """A file in the making: `append` blocks, `finish`, `rename`.

    Parameters
    ----------
    folder : Path
    first_sequence : int
    origin : Origin
    symbols : bytes
        The SYMBOL records of all symbols introduced before, in the order of ids.
    position : bytes
        The source position in force.

    Threads: one; whoever holds the log's lock. Cost: a file; no memory but a block's.
    """

    def __init__(self, folder: Path, first_sequence: int, origin: Origin, symbols: bytes, position: bytes) -> None:
        self.path = folder / file_name(first_sequence, "log")
        self.draft = self.path.with_name(f"{self.path.name}.tmp")
        self.next_sequence = first_sequence
        self._file = create_file(self.draft)
        header = np.zeros((), FILE_HEADER_DTYPE)
        body = symbols + position + bytes(padded(len(position)) - len(position))
        header["magic"], header["version"], header["header_bytes"] = LOG_MAGIC, VERSION, FILE_HEADER_DTYPE.itemsize
        header["flags"], header["log_id"] = REWRITTEN, np.void(origin.log_id)
        header["sequence"], header["created_ns"] = first_sequence, origin.created_ns
        header["generation"] = origin.generation
        header["symbol_count"] = len(symbols) // SYMBOL_DTYPE.itemsize
        header["position_bytes"], header["body_crc"] = len(position), crc32_of(body)
        self._crc = crc32_of(header.tobytes()[:-4])
        header["crc"] = self._crc
        self._file.write(header.tobytes() + body)

    def append(self, block: bytes) -> None:
        """Append a block, good by itself, chained to the one before."""
        head = block[:_CHAIN_AT] + _CRC.pack(self._crc)
        self._crc = crc32_of(block[_BLOCK_BYTES:], crc32_of(head)) if len(block) > _BLOCK_BYTES else crc32_of(head)
        self._file.write(head + _CRC.pack(self._crc))
        self._file.write(block[_BLOCK_BYTES:])

    def append_gap(self, last_sequence: int) -> None:
        """Say that everything up to this sequence was damaged."""
        header = np.zeros((), BLOCK_HEADER_DTYPE)
        header["magic"], header["type"], header["first_sequence"] = BLOCK_MAGIC, GAP, self.next_sequence
        header["stored_bytes"] = _GAP.size
        self.append(header.tobytes() + _GAP.pack(last_sequence, DAMAGED))
        self.next_sequence = last_sequence + 1

    def finish(self) -> None:
        """Sync and close it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Close it, finished or not."""
        self._file.close()

    def rename(self) -> None:
        """Give it its name."""
        self.draft.replace(self.path)
        sync_folder(self.path.parent)
