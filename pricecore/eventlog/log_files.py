"""Level 4: the files of one log as readers find them, while a writer rotates, compresses and removes them."""

import errno
import os
import threading
from bisect import bisect_right
from contextlib import suppress
from pathlib import Path

import numpy as np

from pricecore.errors import LogCorruptError, LogNotFoundError
from pricecore.eventlog.blocks import BlockReader
from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.heads import FileHead, TornHead, open_log_file, read_head
from pricecore.eventlog.layout import (
    BLOCK_HEADER_DTYPE,
    GAP,
    LOCK_NAME,
    file_name,
)
from pricecore.eventlog.log_index import FileIndex, build_index, index_path, load_index
from pricecore.eventlog.scanning import Gap, gap_of
from pricecore.primitives.descriptor import Descriptor
from pricecore.primitives.file_lock import is_locked

_Identity = tuple[int, int, int]


def _identity(facts: os.stat_result) -> _Identity:
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


class OpenFile:
    """A log file that is open, and its head."""

    def __init__(self, file: Descriptor, path: str, head: FileHead) -> None:
        self.file = file
        self.path = path
        self.head = head

    def identity(self) -> _Identity:
        """Return what changes when the file is replaced by another one, or grows."""
        return _identity(os.fstat(self.file.descriptor))

    def first_gap(self) -> Gap | None:
        """Return the gap that the file begins with.

        Raises
        ------
        LookupError
            Nothing good stands behind its head, perhaps not yet.
        """
        head = self.head
        header = os.pread(self.file.descriptor, BLOCK_HEADER_DTYPE.itemsize, head.size_bytes)
        if len(header) == BLOCK_HEADER_DTYPE.itemsize and np.frombuffer(header, BLOCK_HEADER_DTYPE)["type"][0] != GAP:
            return None
        reader = BlockReader(self.file, self.path)
        reader.start(head.size_bytes, head.first_sequence, head.crc, len(head.symbols))
        block = reader.next()
        if block is None:
            raise LookupError
        return gap_of(block) if block.type == GAP else None


class LogFiles:
    """What readers know of a log's folder.

    Threads: any. Cost: lists and heads are read anew when asked for; an index is kept for each sealed file that was
    searched, a two-thousandth of its size.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log_id: bytes | None = None
        self.live_index: tuple[int, int, FileIndex] | None = None
        """First sequence and inode of the file that was the last one when somebody looked, and its stretches then."""
        self._lock = threading.Lock()
        self._indexes: dict[int, tuple[_Identity, FileIndex]] = {}
        self._gaps: dict[int, Gap | None] = {}

    def sequences(self) -> list[int]:
        """Return the first sequences of all files, ascending.

        Raises
        ------
        LogNotFoundError
            There is no such folder, or no log file in it.
        """
        try:
            found = sequences_of(self.folder, "log")
        except FileNotFoundError:
            raise LogNotFoundError(errno.ENOENT, "there is no such folder", str(self.folder)) from None
        except NotADirectoryError:
            text = "a log is a folder, this is a file: open the folder that holds it"
            raise LogNotFoundError(errno.ENOTDIR, text, str(self.folder)) from None
        if not found:
            text = f"this folder holds no event log: no file like {file_name(1, 'log')}"
            raise LogNotFoundError(errno.ENOENT, text, str(self.folder))
        return found

    def holding(self, sequence: int) -> int:
        """Return the first sequence of the file that holds this one; of the first file, when none does."""
        found = self.sequences()
        return found[max(bisect_right(found, sequence) - 1, 0)]

    def behind(self, first_sequence: int) -> int | None:
        """Return the first sequence of the file behind this one, which may be gone; None: it is the last."""
        found = self.sequences()
        at = bisect_right(found, first_sequence)
        return found[at] if at < len(found) else None

    def open(self, first_sequence: int) -> OpenFile | TornHead:
        """Open one file.

        Raises
        ------
        FileNotFoundError
            It is not there, or no longer. LogCorruptError: it belongs to another log, or is none.
        """
        path = str(self.folder / file_name(first_sequence, "log"))
        file = open_log_file(path)
        try:
            head = read_head(file.descriptor, path)
            self._check_log_id(head, path)
        except BaseException:
            file.close()
            raise
        if isinstance(head, TornHead):
            file.close()
            return head
        return OpenFile(file, path, head)

    def open_begun(self, first_sequence: int) -> OpenFile | TornHead | None:
        """Open one file; None: it is the last one, and is just being begun, or a crash left it so.

        A torn head is damage here. Where another file follows by now, whoever began it had completed this one: what
        was read of it before that was seen is no proof.

        Raises
        ------
        As `open`.
        """
        opened = self.open(first_sequence)
        if isinstance(opened, OpenFile):
            return opened
        return None if self.behind(first_sequence) is None else self.open(first_sequence)

    def _check_log_id(self, head: FileHead | TornHead, path: str) -> None:
        if isinstance(head, TornHead):
            return
        if self.log_id is None:
            self.log_id = head.log_id
        if head.log_id != self.log_id:
            reason = f"a file of another log: its log_id is {head.log_id.hex()}, that of this log {self.log_id.hex()}"
            raise LogCorruptError(path, 16, reason)

    def index(self, opened: OpenFile) -> FileIndex:
        """Return where to begin reading a file.

        Raises
        ------
        LogCorruptError
            A sealed file has no index, and its headers do not lead to its end.
        """
        first_sequence = opened.head.first_sequence
        identity = opened.identity()
        if self.live_index and self.live_index[:2] == (first_sequence, identity[0]):
            return self.live_index[2]
        with self._lock:
            known = self._indexes.get(first_sequence)
        if known and known[0] == identity:
            return known[1]
        index = load_index(opened.file, opened.path)
        return self.rebuilt_index(opened) if index is None else self._keep(first_sequence, identity, index)

    def _keep(self, first_sequence: int, identity: _Identity, index: FileIndex) -> FileIndex:
        with self._lock:
            self._indexes[first_sequence] = identity, index
        return index

    def index_at(self, first_sequence: int) -> FileIndex | None:
        """Return the index of a file, without opening it when it is known; None: the file is gone, or has no head.

        Raises
        ------
        LogCorruptError, OSError
            As `open` and `index`.
        """
        if known := self._known_index(first_sequence) or self._stored_index(first_sequence):
            return known
        try:
            opened = self.open(first_sequence)
        except FileNotFoundError:
            return None
        if isinstance(opened, TornHead):
            return None
        try:
            return self.index(opened)
        finally:
            opened.file.close()

    def _known_index(self, first_sequence: int) -> FileIndex | None:
        try:
            facts = (self.folder / file_name(first_sequence, "log")).stat()
        except FileNotFoundError:
            return None
        if self.live_index and self.live_index[:2] == (first_sequence, facts.st_ino):
            return self.live_index[2]
        with self._lock:
            known = self._indexes.get(first_sequence)
        return known[1] if known and known[0] == _identity(facts) else None

    def _stored_index(self, first_sequence: int) -> FileIndex | None:
        """Return what the index file says, without judging the head of the log file, which whoever reads it does."""
        path = str(self.folder / file_name(first_sequence, "log"))
        if not index_path(path).exists():
            return None
        try:
            file = open_log_file(path)
        except FileNotFoundError:
            return None
        try:
            index = load_index(file, path)
            identity = _identity(os.fstat(file.descriptor))
        finally:
            file.close()
        return None if index is None else self._keep(first_sequence, identity, index)

    def rebuilt_index(self, opened: OpenFile) -> FileIndex:
        """Return an index made from the headers, whatever the index file says."""
        first_sequence, identity = opened.head.first_sequence, opened.identity()
        sealed = self.behind(first_sequence) is not None
        index, _ = build_index(opened.file, opened.path, opened.head, sealed=sealed)
        return self._keep(first_sequence, identity, index)

    def gaps(self, last_sequence: int) -> list[Gap]:
        """Return the gaps that files begin with, of those up to this sequence."""
        found = []
        for first_sequence in self.sequences():
            if first_sequence > last_sequence:
                break
            if first_sequence not in self._gaps:
                with suppress(LookupError):  # else it is asked again
                    self._gaps[first_sequence] = self._first_gap(first_sequence)
            if gap := self._gaps.get(first_sequence):
                found.append(gap)
        return found

    def _first_gap(self, first_sequence: int) -> Gap | None:
        try:
            opened = self.open(first_sequence)
        except FileNotFoundError:
            raise LookupError from None
        if isinstance(opened, TornHead):
            raise LookupError
        try:
            return opened.first_gap()
        finally:
            opened.file.close()

    def is_written(self) -> bool:
        """Tell whether a process writes this log now. Takes no lock. Threads: any. Cost: three system calls."""
        try:
            lock = Descriptor(os.open(self.folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
        except OSError:
            return False
        try:
            return is_locked(lock.descriptor)
        finally:
            lock.close()
