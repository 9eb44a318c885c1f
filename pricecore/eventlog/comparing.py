"""Level 4: two files of a log say the same: every record, every gap and position, whatever their blocks are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import LogCorruptError
from pricecore.eventlog.blocks import AT_END, Block, BlockReader
from pricecore.eventlog.heads import FileHead, TornHead, read_head
from pricecore.eventlog.layout import GAP
from pricecore.eventlog.rewriting import draft_of
from pricecore.primitives.descriptor import Descriptor

Records = NDArray[np.void]


def head_of(file: Descriptor, path: str) -> FileHead:
    """Return the head of a sealed file; LogCorruptError when it is not good."""
    head = read_head(file.descriptor, path)
    if isinstance(head, TornHead):
        raise LogCorruptError(path, head.offset, head.reason)
    return head


def reader_of(file: Descriptor, path: str, head: FileHead) -> BlockReader:
    """Return a reader in front of the first block."""
    reader = BlockReader(file, path)
    reader.start(head.size_bytes, head.first_sequence, head.crc, len(head.symbols))
    return reader


def blocks_of(reader: BlockReader) -> Iterator[Block]:
    """Yield all blocks of a sealed file; LogCorruptError where one is not good."""
    while block := reader.next():
        yield block
    if reader.verdict != AT_END:
        raise LogCorruptError(reader.path, reader.offset, reader.reason)


class _Content:
    """All that a file says: records in order, one array after the other; what else there is, for the end."""

    def __init__(self, file: Descriptor, path: str, on_bytes: Callable[[int], object] | None = None) -> None:
        self._on_bytes = on_bytes
        head = head_of(file, path)
        self._reader = reader_of(file, path, head)
        facts = (head.version, head.log_id, head.first_sequence, head.created_ns, head.generation, head.position)
        self.rest: list[object] = [facts, head.symbols.tobytes()]
        self.position = head.position

    def records(self) -> Iterator[Records]:
        for block in blocks_of(self._reader):
            self.position = block.position or self.position
            if block.type == GAP:
                self.rest.append((block.first_sequence, block.last_sequence, block.reason))
            if block.records is not None:
                yield block.records
            if self._on_bytes is not None:
                self._on_bytes(self._reader.offset)


def require_same(source: Descriptor, draft: Descriptor, path: Path, on_bytes: Callable[[int], object]) -> None:
    """Read a file and its draft and compare them; LogCorruptError, which names the draft, when they differ."""
    name = str(draft_of(path))
    try:
        before, after = _Content(source, str(path), on_bytes), _Content(draft, name)
        same = _same_records(before.records(), after.records())
    finally:
        draft.close()
    if not same or (before.position, before.rest) != (after.position, after.rest):
        raise LogCorruptError(name, 0, "what was read back is not what was written; the old file stays")


def _same_records(before: Iterator[Records], after: Iterator[Records]) -> bool:
    left = np.empty(0, RECORD_DTYPE)
    for records in after:
        parts, count = [left], len(left)
        while count < len(records):
            part = next(before, None)
            if part is None:
                return False
            parts.append(part)
            count += len(part)
        left = np.concatenate(parts)
        if left[: len(records)].tobytes() != records.tobytes():
            return False
        left = left[len(records) :]
    return not len(left) and next(before, None) is None
