"""Level 4: reading a log on and on: from block to block, and from file to file."""

import os
from collections.abc import Callable

from pricecore.errors import LogCorruptError
from pricecore.eventlog.blocks import AT_END, Block, BlockReader
from pricecore.eventlog.heads import TornHead
from pricecore.eventlog.layout import POSITION, file_name
from pricecore.eventlog.log_files import LogFiles, OpenFile
from pricecore.eventlog.scanning import Gap, border_reason

_ATTEMPTS = 100
"""At opening a file that is removed each time before it is opened."""


class Reading:
    """Goes through the blocks of a log, from a sequence on, each of them good.

    Files that a writer begins are found, those that it compresses meanwhile are read on as they were. Where retention
    removed the files that were next, reading goes on with the oldest one there is.

    Parameters
    ----------
    files : LogFiles
    sequence : int
        The first one wanted.
    on_removed : callable
        Gets the `Gap` that retention made.

    Threads: one at a time. Cost: a file and a window (`BlockReader`).
    """

    def __init__(self, files: LogFiles, sequence: int, on_removed: Callable[[Gap], object]) -> None:
        self.sequence = sequence
        """Which one is due: all before it were returned, or are missing."""
        self._files = files
        self._on_removed = on_removed
        self._opened: OpenFile | None = None
        self._reader: BlockReader | None = None
        self._attempts = 0

    def next(self) -> Block | None:
        """Return the next block of records, or gap; None: there is no more at the moment.

        Its first records may lie before the sequence that was due.

        Raises
        ------
        LogCorruptError
            What is next is damaged; that of the last file's end is not judged here (see `where`).
        OSError
            A file cannot be read.
        """
        while True:
            reader = self._reader or self._open()
            if reader is None:
                return None
            block = reader.next()
            if block is None:
                block, moved = self._at_end(reader)
                if moved:
                    continue
            if block is None:
                return None
            if block.type != POSITION and block.last_sequence >= self.sequence:
                self.sequence = block.last_sequence + 1
                self._attempts = 0
                return block

    @property
    def is_stuck(self) -> bool:
        """Whether something stands behind the last good block which is no good block, or not yet."""
        return self._reader is not None and self._reader.verdict != AT_END

    def where(self) -> tuple[str, int, str]:
        """Return file, offset and what stands there, for an error."""
        if self._reader is None:
            return str(self._files.folder / file_name(self.sequence, "log")), 0, "it is not there"
        return self._reader.path, self._reader.offset, self._reader.reason

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.file.close()
        self._opened = self._reader = None

    def _open(self) -> BlockReader | None:
        """Open the file that holds the sequence which is due; None: it is not there yet."""
        for _ in range(_ATTEMPTS):
            first_sequence = self._files.holding(self.sequence)
            try:
                opened = self._files.open_begun(first_sequence)
            except FileNotFoundError:  # removed since it was listed
                continue
            if opened is None:
                return None
            if isinstance(opened, TornHead):
                path = str(self._files.folder / file_name(first_sequence, "log"))
                raise LogCorruptError(path, opened.offset, opened.reason)
            if self.sequence < first_sequence:
                self._skip_removed(first_sequence)
            self._opened = opened
            self._reader = self._placed(opened)
            return self._reader
        raise LogCorruptError(*self.where())

    def _skip_removed(self, first_sequence: int) -> None:
        self._on_removed(Gap(self.sequence, first_sequence - 1, "removed"))
        self.sequence = first_sequence

    def _placed(self, opened: OpenFile) -> BlockReader:
        """Return a reader in front of the stretch that holds the sequence which is due."""
        reader = BlockReader(opened.file, opened.path)
        head = opened.head
        reader.start(head.size_bytes, head.first_sequence, head.crc, len(head.symbols))
        if self.sequence == head.first_sequence:
            return reader
        place = self._files.index(opened).place_of(self.sequence)
        if place is not None and place[0] != head.size_bytes:
            reader.start(*place)
            if reader.next() is None:
                place = self._files.rebuilt_index(opened).place_of(self.sequence)
            if place is not None:
                reader.start(*place)
        return reader

    def _at_end(self, reader: BlockReader) -> tuple[Block | None, bool]:
        """Behind the last good block of a file: return a block that came meanwhile, and whether there is another file
        to read."""
        opened = self._opened
        assert opened is not None
        behind = self._files.behind(opened.head.first_sequence)
        if behind is None:
            return None, self._replaced(opened)
        try:
            following = self._files.open_begun(behind)
        except FileNotFoundError:  # removed since it was listed
            self._attempts += 1
            return None, self._attempts < _ATTEMPTS
        if following is None:
            return None, False
        block = reader.next()  # what was written between the first look and the next file
        if block is not None:
            _close(following)
            return block, False
        self._check_border(reader, opened, following, behind)
        self.close()
        if behind > self.sequence:
            self._skip_removed(behind)
        return None, True

    def _replaced(self, opened: OpenFile) -> bool:
        """Whether another file has this one's name now, as after a repair; then this one is closed."""
        try:
            same = os.stat(opened.path).st_ino == os.fstat(opened.file.descriptor).st_ino  # noqa: PTH116
        except FileNotFoundError:
            return False
        if not same:
            self.close()
        return not same

    def _check_border(self, reader: BlockReader, opened: OpenFile, following: OpenFile | TornHead, behind: int) -> None:
        _close(following)
        if reader.verdict != AT_END:
            raise LogCorruptError(reader.path, reader.offset, reader.reason)
        path = str(self._files.folder / file_name(behind, "log"))
        if isinstance(following, TornHead):
            raise LogCorruptError(path, following.offset, following.reason)
        if following.head.generation < opened.head.generation:
            reason = f"generation {following.head.generation} behind {opened.head.generation} in the file before"
            raise LogCorruptError(path, 48, reason)
        removed = behind == self._files.sequences()[0] and reader.next_sequence < behind
        if reader.next_sequence != behind and not removed:
            raise LogCorruptError(reader.path, reader.offset, border_reason(reader.next_sequence - 1, behind))


def _close(following: OpenFile | TornHead) -> None:
    if isinstance(following, OpenFile):
        following.file.close()
