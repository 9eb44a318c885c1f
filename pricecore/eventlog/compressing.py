"""Level 4: sealed files of a log written anew with compressed blocks."""

import contextlib
import os
import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pricecore.compression.zstd import checked_level, zstd
from pricecore.errors import LogCorruptError
from pricecore.eventlog.comparing import blocks_of, head_of, reader_of, require_same
from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.heads import open_log_file
from pricecore.eventlog.joining import encoded, joined
from pricecore.eventlog.layout import COMPRESSED, FILE_HEADER_DTYPE, REWRITTEN, file_name
from pricecore.eventlog.log_index import write_index
from pricecore.eventlog.rewriting import Draft, draft_of, rewriting
from pricecore.primitives.crc32 import crc32_of
from pricecore.primitives.descriptor import Descriptor

DEFAULT_LEVEL = 3

Progress = Callable[[int, int], object]


class CompressedFile(NamedTuple):
    """What became of one file."""

    path: str
    records: int
    before_bytes: int
    after_bytes: int
    time_s: float

    @property
    def ratio(self) -> float:
        """Bytes before over bytes after."""
        return self.before_bytes / self.after_bytes


class CompressReport(NamedTuple):
    """What `compress_log` did."""

    files: tuple[CompressedFile, ...]
    """Compressed by this call, oldest first."""
    compressed_before: int
    """Sealed files that were compressed already."""
    too_young: int
    """Sealed files that are not as old as was asked for."""
    removed: int
    """Sealed files that retention removed meanwhile."""
    before_bytes: int
    after_bytes: int

    @property
    def ratio(self) -> float | None:
        """Bytes before over bytes after; None when nothing was compressed."""
        return self.before_bytes / self.after_bytes if self.after_bytes else None


def compress_log(
    path: str | PathLike[str],
    *,
    level: int = DEFAULT_LEVEL,
    older_than_s: float = 0.0,
    most_files: int | None = None,
    on_progress: Progress | None = None,
) -> CompressReport:
    """Write the sealed files of a log anew with compressed blocks, oldest first; never the last one, which is live.

    The log may be written, read and trimmed meanwhile. Each file is written beside the old one, synced, read back and
    compared record by record, and takes its place in one step: whatever happens, one of the two is there, whole.

    Parameters
    ----------
    path : path-like
        The log's folder.
    level : int
        Of zstd, 1 (fast) to 22 (small).
    older_than_s : float
        Only files whose last record was written so long ago.
    most_files : int, optional
        Compress at most so many.
    on_progress : callable, optional
        Called with the bytes read and those to read: each file is read twice.

    Returns
    -------
    CompressReport

    Raises
    ------
    MissingExtraError
        zstd is not installed.
    LogReadOnlyError
        Another process or thread compresses this log.
    LogCorruptError
        A file is damaged, which is left as it is; those before it are compressed.
    OSError
        A file cannot be read or written; it is left as it is.

    Threads: any. Cost: a second for some million records; memory for two long blocks. Mostly without the GIL.
    """
    folder = Path(path)
    checked_level(level)
    zstd()  # its absence is told before anything is done
    with rewriting(folder):
        _remove_left_over(folder)
        wanted, compressed_before, too_young = _sealed_files(folder, older_than_s)
        report = CompressReport((), compressed_before, too_young, 0, 0, 0)
        total_bytes, done_bytes = sum(2 * size for _, size in wanted[:most_files]), 0
        for file, size_bytes in wanted[:most_files]:

            def on_bytes(read_bytes: int, before_bytes: int = done_bytes) -> None:
                if on_progress is not None:
                    on_progress(before_bytes + read_bytes, total_bytes)

            report = _added(report, _compress(file, level, on_bytes))
            done_bytes += 2 * size_bytes
    return report


def compress_file(
    path: str | PathLike[str], *, level: int = DEFAULT_LEVEL, on_progress: Progress | None = None
) -> CompressedFile | None:
    """Compress one sealed file of a log, as `compress_log` does.

    Parameters
    ----------
    path : path-like
        The file.
    level : int
        As in `compress_log`.
    on_progress : callable, optional
        Called with the bytes read and those to read: the file is read twice. What it raises ends the work, and the file
        stays as it is.

    Returns
    -------
    CompressedFile or None
        None: it was removed meanwhile, is compressed already, or is the last file, which is never touched.

    Raises
    ------
    MissingExtraError, LogReadOnlyError, LogCorruptError, OSError
        As `compress_log`.

    Threads: any. Cost: as `compress_log`.
    """
    file = Path(path)
    checked_level(level)
    zstd()
    with rewriting(file.parent):
        if file not in files_to_compress(file.parent):
            return None
        total_bytes = 2 * file.stat().st_size
        return _compress(file, level, lambda done_bytes: on_progress and on_progress(done_bytes, total_bytes))


def files_to_compress(folder: Path, older_than_s: float = 0.0) -> list[Path]:
    """Return the sealed files that are not compressed, oldest first.

    Raises
    ------
    OSError
        The folder, or one of them, cannot be read.

    Threads: any. Cost: reads the head of each sealed file.
    """
    return [path for path, _ in _sealed_files(folder, older_than_s)[0]]


def _added(report: CompressReport, done: CompressedFile | None) -> CompressReport:
    if done is None:
        return report._replace(removed=report.removed + 1)
    return report._replace(
        files=(*report.files, done),
        before_bytes=report.before_bytes + done.before_bytes,
        after_bytes=report.after_bytes + done.after_bytes,
    )


def _sealed_files(folder: Path, older_than_s: float) -> tuple[list[tuple[Path, int]], int, int]:
    """Return the files to compress with their sizes, and how many are compressed already, or too young."""
    wanted: list[tuple[Path, int]] = []
    compressed = young = 0
    for sequence in sequences_of(folder, "log")[:-1]:
        path = folder / file_name(sequence, "log")
        try:
            facts = path.stat()
            if time.time() - facts.st_mtime < older_than_s:
                young += 1
            elif _is_compressed(path):
                compressed += 1
            else:
                wanted.append((path, facts.st_size))
        except FileNotFoundError:
            continue
    return wanted, compressed, young


def _remove_left_over(folder: Path) -> None:
    """Remove drafts of sealed files: of somebody who crashed, because whoever works on one has `rewriting`."""
    for sequence in sequences_of(folder, "log")[:-1]:
        draft_of(folder / file_name(sequence, "log")).unlink(missing_ok=True)


def _is_compressed(path: Path) -> bool:
    file = open_log_file(str(path))
    try:
        return bool(head_of(file, str(path)).flags & COMPRESSED)
    except LogCorruptError:  # is told by name when it is its turn
        return False
    finally:
        file.close()


def _compress(path: Path, level: int, on_bytes: Callable[[int], object]) -> CompressedFile | None:
    """Compress a sealed file; None when it is gone. Whoever calls this has `rewriting`."""
    begin_s = time.perf_counter()
    try:
        source = open_log_file(str(path))
        draft = Draft(path)
    except FileNotFoundError:
        return None
    try:
        before_bytes = os.fstat(source.descriptor).st_size
        records = _write(draft, source, str(path), level, on_bytes)
        draft.sync()
        after_bytes = os.fstat(draft.file.fileno()).st_size
        require_same(source, Descriptor(os.dup(draft.file.fileno())), path, lambda read: on_bytes(before_bytes + read))
        if not draft.take_place():
            return None
    finally:
        draft.close()
        source.close()
    with contextlib.suppress(OSError, LogCorruptError):  # a cache: readers look at the file without it
        write_index(path)
    return CompressedFile(str(path), records, before_bytes, after_bytes, time.perf_counter() - begin_s)


def _write(draft: Draft, source: Descriptor, path: str, level: int, on_bytes: Callable[[int], object]) -> int:
    """Write the draft; return its records."""
    head = head_of(source, path)
    data = bytearray(os.pread(source.descriptor, head.size_bytes, 0))
    header = np.frombuffer(data, FILE_HEADER_DTYPE, 1)
    header["flags"] |= REWRITTEN | COMPRESSED
    crc = crc32_of(data[: FILE_HEADER_DTYPE.itemsize - 4])
    header["crc"] = crc
    draft.write(bytes(data))
    reader = reader_of(source, path, head)
    records = 0
    for piece in joined(blocks_of(reader)):
        block, crc = encoded(piece, crc, level)
        draft.write(block)
        records += len(piece.records)
        on_bytes(reader.offset)
    return records
