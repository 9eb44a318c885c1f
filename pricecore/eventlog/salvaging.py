"""Level 4: what is good in a damaged log, wherever it stands."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pricecore.errors import LogCorruptError
from pricecore.eventlog.blocks import AT_END, Block, BlockReader
from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.heads import VERSION_OFFSET, FileHead, TornHead, open_log_file, read_head
from pricecore.eventlog.layout import ALIGNMENT_BYTES, SYMBOL_DTYPE, file_name
from pricecore.eventlog.snapshots import Snapshot, read_snapshot
from pricecore.primitives.descriptor import Descriptor

_SYMBOL_KIND = 2


class Names:
    """All SYMBOL records that are found anywhere in a log: heads, blocks and snapshots.

    Each bears its sequence, so they tell which symbols were known at any place, also where that place itself is lost.
    """

    def __init__(self) -> None:
        self._by_id: dict[int, bytes] = {}
        self._sequences: list[int] = []

    def add(self, symbols: NDArray[np.void]) -> None:
        """Take SYMBOL records, `SYMBOL_DTYPE`."""
        for symbol_id, record in zip(symbols["symbol_id"].tolist(), symbols, strict=True):
            self._by_id.setdefault(symbol_id, record.tobytes())

    def before(self, sequence: int) -> bytes | None:
        """Return the SYMBOL records of all symbols introduced before a sequence; None: some of them are lost."""
        known = {
            symbol_id: record
            for symbol_id, record in self._by_id.items()
            if int.from_bytes(record[:8], "little") < sequence
        }
        if known and max(known) != len(known) - 1:
            return None
        return b"".join(known[symbol_id] for symbol_id in range(len(known)))


class Part:
    """One file of a damaged log, open."""

    def __init__(self, path: Path, first_sequence: int) -> None:
        self.path = path
        self.first_sequence = first_sequence
        self.file: Descriptor | None = None
        self.head: FileHead | None = None
        self.foreign = False
        """It is no file of this log."""
        try:
            self.file = open_log_file(str(path))
            head = read_head(self.file.descriptor, str(path))
            self.head = None if isinstance(head, TornHead) else head
        except LogCorruptError as error:
            if error.offset == VERSION_OFFSET:  # a later pricecore wrote it, and knows better
                raise
            self.foreign = True

    def blocks(self, names: Names | None = None) -> Iterator[Block]:
        """Yield the good blocks in their order. Where one is not good, go on with the next one that is.

        Such a block is not chained to anything: it has to be good by itself, with a sequence that was not there yet,
        and, when `names` are given, with symbols that are known.
        """
        if self.file is None or self.foreign:
            return
        reader = BlockReader(self.file, str(self.path))
        if self.head is None:
            reader.start(0, self.first_sequence)
        else:
            reader.start(self.head.size_bytes, self.head.first_sequence, self.head.crc, len(self.head.symbols))
        search_offset = 0 if self.head is None else -1
        while True:
            block = None if search_offset >= 0 else reader.next()
            if block is not None:
                yield block
                continue
            if search_offset < 0 and reader.verdict == AT_END:
                return
            search_offset = self._restart(reader, max(search_offset, reader.offset), names)
            if search_offset < 0:
                return
            block = reader.next()
            if block is not None:
                search_offset = -1
                yield block

    def _restart(self, reader: BlockReader, offset: int, names: Names | None) -> int:
        """Go in front of the next block that is good by itself; return where to search when it is not good after all,
        -1: there is none."""
        assert self.file is not None
        due = reader.next_sequence
        ahead = BlockReader(self.file, str(self.path))
        ahead.start(offset, due)
        try:
            while block := ahead.search():
                if block.first_sequence >= due:
                    known = None if names is None else names.before(block.first_sequence)
                    symbols = -1 if known is None else len(known) // SYMBOL_DTYPE.itemsize
                    if names is None or known is not None:
                        reader.start(block.offset, block.first_sequence, -1, symbols)
                        return block.offset + ALIGNMENT_BYTES
        except OverflowError:  # nothing but false headers: what may be among them is not worth hours
            pass
        return -1

    def raw(self, block: Block) -> bytes:
        """Return the bytes of a block."""
        assert self.file is not None
        return os.pread(self.file.descriptor, block.size_bytes, block.offset)

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()


class Wreck:
    """The files of a damaged log, open, and all names in it.

    Threads: one. Cost: reads the whole log once; 64 bytes a symbol.
    """

    def __init__(self, folder: Path) -> None:
        self.parts = [Part(folder / file_name(first, "log"), first) for first in sequences_of(folder, "log")]
        ids = Counter(part.head.log_id for part in self.parts if part.head)
        if not ids:
            self.close()
            raise LogCorruptError(str(folder), 0, "no file of this log has a good head: nothing tells what it was")
        self.log_id = ids.most_common(1)[0][0]
        self.names = Names()
        self.last_sequence = 0
        """The highest of any block that is good by itself."""
        for part in self.parts:
            part.foreign = part.foreign or (part.head is not None and part.head.log_id != self.log_id)
        self.snapshots, self.bad_snapshots = self._snapshots(folder)
        self._learn()

    def _snapshots(self, folder: Path) -> tuple[list[Snapshot], list[Path]]:
        good, bad = [], []
        for sequence in sequences_of(folder, "snapshot"):
            path = folder / file_name(sequence, "snapshot")
            try:
                good.append(read_snapshot(path, self.log_id))
            except LogCorruptError:
                bad.append(path)
        return good, bad

    def _learn(self) -> None:
        for part in self.parts:
            if part.head is not None and not part.foreign:
                self.names.add(part.head.symbols)
            for block in part.blocks():
                self.last_sequence = max(self.last_sequence, block.last_sequence)
                if block.symbols and block.records is not None:
                    found = block.records.view(SYMBOL_DTYPE)
                    self.names.add(found[found["kind"] == _SYMBOL_KIND])
        for snapshot in self.snapshots:
            self.names.add(np.ascontiguousarray(snapshot.symbols).view(SYMBOL_DTYPE))

    def close(self) -> None:
        """Close all files."""
        for part in self.parts:
            part.close()
