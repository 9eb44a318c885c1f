"""Level 4: is a whole log what its format says? Looks at everything and changes nothing."""

import os
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from pricecore.errors import LogCorruptError
from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.heads import FileHead, TornHead, names_of, open_log_file, read_head
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.log_files import LogFiles
from pricecore.eventlog.log_index import build_index, index_path, load_index
from pricecore.eventlog.scanning import FileScan, Gap, Scan, TornTail, border_reason, scan_file
from pricecore.eventlog.snapshots import read_snapshot

OnProgress = Callable[[int, int], object]
"""Called with the bytes done, and those of all files."""


class Damage(NamedTuple):
    """What is wrong, and where."""

    file: str
    offset: int
    reason: str


class VerifyReport(NamedTuple):
    """What `verify` found.

    Attributes
    ----------
    path : str
    files, size_bytes, blocks, records, symbols, snapshots : int
        What is good of each; `size_bytes` is that of all log files.
    first_sequence, last_sequence : int
    gaps : tuple of Gap
        Missing sequences that the log names itself: no damage.
    torn : TornTail or None
        What a crash left at the end: no damage; the next writer cuts it off.
    notes : tuple of str
        What is of no harm: an index that does not fit, a draft that was left behind.
    damages : tuple of Damage
        The first one of each file, and of each border between two files.
    """

    path: str
    files: int
    size_bytes: int
    blocks: int
    records: int
    symbols: int
    snapshots: int
    first_sequence: int
    last_sequence: int
    gaps: tuple[Gap, ...]
    torn: TornTail | None
    notes: tuple[str, ...]
    damages: tuple[Damage, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no damage."""
        return not self.damages


def verify(path: str | PathLike[str], on_progress: OnProgress | None = None) -> VerifyReport:
    """Judge every byte of a log: heads, blocks, records, how files follow each other, indexes, snapshots.

    Parameters
    ----------
    path : path-like
        The log's folder.
    on_progress : callable, optional
        Called with the bytes done and those of all files, every 32 MiB.

    Returns
    -------
    VerifyReport
        `ok` is True when there is no damage.

    Raises
    ------
    LogNotFoundError
        There is no log. OSError: a file cannot be read.

    Threads: any; the log may be written meanwhile. Cost: reads it as a whole, some GB/s; memory is flat.
    """
    return _Verification(Path(path), on_progress).report()


class _Verification:
    """Goes through the files in their order, and keeps what the next one has to continue."""

    def __init__(self, folder: Path, on_progress: OnProgress | None) -> None:
        self.folder = folder
        self.sequences = LogFiles(folder).sequences()
        self.on_progress = on_progress or (lambda done, total: None)
        self.damages: list[Damage] = []
        self.notes: list[str] = []
        self.scans: list[FileScan] = []
        self.torn: TornTail | None = None
        self.log_id: bytes | None = None
        self.before: FileScan | None = None  # the file before, when it is good to its end
        self.done_bytes = 0
        self.removed = 0
        self.total_bytes = sum(self._size_bytes(sequence) for sequence in self.sequences)

    def _path(self, sequence: int) -> Path:
        return self.folder / file_name(sequence, "log")

    def _size_bytes(self, sequence: int) -> int:
        try:
            return self._path(sequence).stat().st_size
        except FileNotFoundError:  # by retention, meanwhile
            return 0

    def report(self) -> VerifyReport:
        snapshots = sequences_of(self.folder, "snapshot")  # before the files: none is ahead of its log then
        for sequence in self.sequences:
            self._file(sequence, sealed=sequence != self.sequences[-1])
        last = self.scans[-1] if self.scans else None
        first_sequence = self.sequences[min(self.removed, len(self.sequences) - 1)]
        last_sequence = last.last_sequence if last else first_sequence - 1
        good_snapshots = self._snapshots(snapshots, last_sequence)
        self._leftovers()
        return VerifyReport(
            str(self.folder),
            len(self.sequences) - self.removed,
            self.total_bytes,
            sum(scan.blocks for scan in self.scans),
            sum(scan.records for scan in self.scans),
            last.symbols if last else 0,
            good_snapshots,
            first_sequence,
            last_sequence,
            tuple(gap for scan in self.scans for gap in scan.gaps),
            self.torn,
            tuple(self.notes),
            tuple(self.damages),
        )

    def _damage(self, path: str, offset: int, reason: str) -> None:
        self.damages.append(Damage(path, offset, reason))

    def _file(self, sequence: int, sealed: bool) -> None:
        path = str(self._path(sequence))
        before, self.before = self.before, None
        try:
            scan, whole = self._scanned(path, sealed)
        except LogCorruptError as error:
            self._damage(error.file, error.offset, error.reason)
        except FileNotFoundError:  # by retention, meanwhile: the log begins behind it
            self.removed += 1
        else:
            if scan.head is not None:
                self.scans.append(scan)
                self._continues(before, scan, scan.head)
                self.before = scan if whole else None
        self.done_bytes += self._size_bytes(sequence)
        self.on_progress(min(self.done_bytes, self.total_bytes), self.total_bytes)

    def _scanned(self, path: str, sealed: bool) -> tuple[FileScan, bool]:
        """Return the scan of a file, and whether it is good to its end."""
        file = open_log_file(path)
        try:
            head = read_head(file.descriptor, path)
            if isinstance(head, TornHead):
                scan = scan_file(path, sealed=sealed)
                self.torn = scan.tail
                return scan, False
            reading = Scan(file, path, head)
            try:
                reading.advance(sealed=sealed, on_progress=self._progress)
                whole = True
            except LogCorruptError as error:
                self._damage(error.file, error.offset, error.reason)
                whole = False
            scan = reading.result()
            names_of(head.symbols, path, 128)
            names_of(scan.new_symbols, path, head.size_bytes)
            if sealed and whole:
                self._index(reading, path, head)
        finally:
            file.close()
        self.torn = None if sealed else scan.tail
        return scan, whole

    def _progress(self, offset: int) -> None:
        self.on_progress(min(self.done_bytes + offset, self.total_bytes), self.total_bytes)

    def _continues(self, before: FileScan | None, scan: FileScan, head: FileHead) -> None:
        """Judge the border to the file before."""
        if self.log_id is None:
            self.log_id = head.log_id
        if head.log_id != self.log_id:
            reason = f"a file of another log: its log_id is {head.log_id.hex()}, that before {self.log_id.hex()}"
            self._damage(scan.path, 16, reason)
        if before is None or before.head is None:
            return
        if head.generation < before.head.generation:
            reason = f"generation {head.generation} behind {before.head.generation} in the file before"
            self._damage(scan.path, 48, reason)
        if before.last_sequence + 1 != head.first_sequence:
            reason = border_reason(before.last_sequence, head.first_sequence)
            self._damage(before.path, before.end_offset, reason)
        elif not self._same_symbols(before, scan, head):
            self._damage(scan.path, 128, "its symbols are not those of the records before it")
        elif head.position != before.position and all(gap.reason != "damaged" for gap in before.gaps):
            self._damage(scan.path, 128, "its source position is not that at the end of the file before")

    def _same_symbols(self, before: FileScan, scan: FileScan, head: FileHead) -> bool:
        """Whether a head has the symbols of the file before; those of a gap come on top."""
        if before.head is None:
            return False
        known = before.head.symbols.tobytes() + before.new_symbols.tobytes()
        found = head.symbols.tobytes()
        return found.startswith(known) and (len(found) == len(known) or bool(scan.gaps))

    def _index(self, reading: Scan, path: str, head: FileHead) -> None:
        file = reading.reader.file
        if not index_path(path).exists():
            return
        found = load_index(file, path)
        built, _ = build_index(file, path, head)
        if found is None or any((one != other).any() for one, other in zip(found, built, strict=True)):
            self.notes.append(f"{index_path(path)}: does not fit; readers look at the file instead")

    def _snapshots(self, sequences: list[int], last_sequence: int) -> int:
        """Judge the snapshots; return how many are good."""
        good = 0
        for sequence in sequences:
            path = self.folder / file_name(sequence, "snapshot")
            try:
                found = read_snapshot(path, self.log_id).last_sequence
                good += 1
                if found > last_sequence and not self.damages:
                    self._damage(str(path), 72, f"it knows records up to {found}, the log ends with {last_sequence}")
            except LogCorruptError as error:
                self._damage(error.file, error.offset, error.reason)
            except FileNotFoundError:  # by retention, meanwhile
                continue
        return good

    def _leftovers(self) -> None:
        for entry in sorted(os.scandir(self.folder), key=lambda entry: entry.name):
            if entry.name.endswith((".log.tmp", ".index.tmp", ".snapshot.tmp")):
                self.notes.append(f"{entry.path}: a draft; the next writer removes it")
