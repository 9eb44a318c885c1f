"""Level 4: a log is opened for writing: locked, its torn tail cut off, its last sequence found."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pricecore.errors import LogCorruptError, LogReadOnlyError
from pricecore.eventlog.files import open_for_reading, remove_drafts, sequences_of, sync_folder
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.lock import LogLock, lock_log
from pricecore.eventlog.log_life import SEALED_PLACES
from pricecore.eventlog.scanning import FileScan, TornTail, scan_file
from pricecore.eventlog.snapshots import set_aside_later
from pricecore.metrics.log import warn_throttled
from pricecore.primitives.descriptor import Descriptor

UNSYNCED_FILES = SEALED_PLACES + 2
"""A writer may have left so many behind: those that wait, one that is being synced, and its last."""


class OpenedLog(NamedTuple):
    """A log that is ours to write.

    Attributes
    ----------
    path : Path
        Absolute.
    folder : Descriptor
        Of the folder.
    lock : LogLock
    log_id : bytes
        16.
    generation : int
        Of this writer.
    last_sequence : int
        0: the log is new.
    position : bytes
        Of the source, in force at the end.
    torn : TornTail or None
        What was cut off.
    """

    path: Path
    folder: Descriptor
    lock: LogLock
    log_id: bytes
    generation: int
    last_sequence: int
    position: bytes
    torn: TornTail | None

    def close(self) -> None:
        """Let others write it."""
        self.folder.close()
        self.lock.close()


def open_to_write(path: str | os.PathLike[str]) -> OpenedLog:
    """Make the log in this folder, or go on with the one that is there.

    A torn tail of its last file is cut off, and a warning says how much that was; no other file is changed.

    Raises
    ------
    LogReadOnlyError
        Somebody else writes it, or nothing can be written here.
    LogCorruptError
        It is damaged: `pricecore log verify` says where, `pricecore log repair` cuts it there.

    Threads: any. Cost: reads the last file.
    """
    folder = Path(path).absolute()  # a later chdir changes nothing
    _make_folder(folder)
    lock = lock_log(folder)
    try:
        return _opened(folder, lock)
    except OSError as error:
        lock.close()
        if isinstance(error, LogReadOnlyError):
            raise
        raise LogReadOnlyError(error.errno, f"no log can be written here: {error.strerror}", str(folder)) from error
    except BaseException:
        lock.close()
        raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
        with suppress(PermissionError):  # who may pass through the parent need not be able to read it
            sync_folder(folder.parent)
    except FileExistsError:
        if not folder.is_dir():
            text = "a log is a folder, this is a file"
            raise LogReadOnlyError(errno.ENOTDIR, text, str(folder)) from None
    except OSError as error:
        text = f"the log's folder cannot be made: {error.strerror}"
        raise LogReadOnlyError(error.errno, text, str(folder)) from None


def _opened(folder: Path, lock: LogLock) -> OpenedLog:
    remove_drafts(folder)
    scan = _last_file(folder)
    descriptor = Descriptor(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    if scan is None or scan.head is None:
        _refuse_orphans(folder)
        return OpenedLog(folder, descriptor, lock, os.urandom(16), 1, 0, b"", None)
    head = scan.head
    set_aside_later(folder, head.log_id, scan.last_sequence)
    return OpenedLog(
        folder, descriptor, lock, head.log_id, head.generation + 1, scan.last_sequence, scan.position, scan.tail
    )


def _refuse_orphans(folder: Path) -> None:
    """Snapshots without a log file: something took the files, and a new log would make the prices wrong."""
    snapshots = sequences_of(folder, "snapshot")
    if snapshots:
        path = folder / file_name(snapshots[-1], "snapshot")
        raise LogCorruptError(
            str(path), 0, "a snapshot of a log whose files are gone; put them back, or move this away"
        )


def _last_file(folder: Path) -> FileScan | None:
    """Return the scan of the last file that has records, cut to what is good; those behind it are removed.

    Of what is removed a position of the source is kept: the first file to come has it in its head."""
    last: FileScan | None = None
    behind: FileScan | None = None  # the last one with a head
    sequences = sequences_of(folder, "log")
    for at, sequence in reversed(list(enumerate(sequences))):
        path = folder / file_name(sequence, "log")
        last = scan_file(path, sealed=at < len(sequences) - 1)
        if last.head is not None and last.last_sequence >= last.head.first_sequence:
            _check_end(path, last, sequences[at + 1 :])
            _cut(path, last)
            _sync_files(folder, sequences[:at])
            break
        _remove_empty(folder, path, last)
        behind = behind or (last if last.head is not None else None)
    return _joined(last, behind)


def _joined(last: FileScan | None, behind: FileScan | None) -> FileScan | None:
    """Return the last file's scan, with position and generation of one behind it that had no records."""
    if last is None or behind is None or behind.head is None:
        return last
    if last.head is None:
        return behind
    return last._replace(
        position=behind.position, head=last.head._replace(generation=max(last.head.generation, behind.head.generation))
    )


def _check_end(path: Path, scan: FileScan, behind: list[int]) -> None:
    """A file is sealed once another one is behind it: nothing of it can be torn."""
    if behind and scan.last_sequence + 1 != behind[0]:
        text = f"it ends with sequence {scan.last_sequence}, and the next file begins with {behind[0]}"
        raise LogCorruptError(str(path), scan.end_offset, text)


def _sync_files(folder: Path, sequences: list[int]) -> None:
    """Sync what a writer that was killed may have sealed and not synced: from now on it counts as being on the disk."""
    for sequence in sequences[-UNSYNCED_FILES:]:
        with suppress(FileNotFoundError), open_for_reading(folder / file_name(sequence, "log")) as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def _cut(path: Path, scan: FileScan) -> None:
    """Cut the torn tail off, and make sure that what stays is on the disk: from now on the file is sealed."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags), "r+b") as file:
        if scan.tail is not None:
            file.truncate(scan.end_offset)
            warn_throttled(("log_torn", str(path)), _torn_text(path, scan.tail))
        os.fsync(file.fileno())


def _torn_text(path: Path, tail: TornTail) -> str:
    records = "an unknown number of records" if tail.records is None else f"{tail.records:,} records"
    return f"{path}: cut off a torn tail of {tail.size_bytes:,} bytes at byte {tail.offset:,}, with {records}"


def _remove_empty(folder: Path, path: Path, scan: FileScan) -> None:
    """Remove a file that holds no record; the next writer's first file takes its name."""
    if scan.tail is not None:
        warn_throttled(("log_torn", str(path)), _torn_text(path, scan.tail))
    path.unlink()
    sync_folder(folder)
