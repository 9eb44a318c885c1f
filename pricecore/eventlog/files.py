"""Level 4: the files of a log's folder."""

import os
import stat
from io import BufferedReader
from pathlib import Path

from pricecore.errors import LogCorruptError
from pricecore.eventlog.layout import parse_name


def sequences_of(folder: Path, kind: str) -> list[int]:
    """Return the sequences in the names of the log's files of this kind, ascending; drafts do not count.

    Raises
    ------
    OSError
        The folder cannot be read.

    Threads: any. Cost: reads the folder.
    """
    found = (parse_name(entry.name) for entry in os.scandir(folder))
    return sorted(sequence for sequence, what, draft in filter(None, found) if what == kind and not draft)


def open_for_reading(path: Path) -> BufferedReader:
    """Open a file of a log; a pipe that stands under its name keeps nobody waiting.

    Raises
    ------
    LogCorruptError
        It is a pipe or a device. OSError: it cannot be opened, or is a folder.

    Threads: any. Cost: two system calls.
    """
    file = open(  # noqa: SIM115 - the caller closes it
        path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    )
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise LogCorruptError(str(path), 0, "no file of a log: a pipe or a device")


def remove_drafts(folder: Path) -> None:
    """Remove what an interrupted writer had begun. Only who holds the log's lock may call this."""
    for entry in os.scandir(folder):
        named = parse_name(entry.name)
        if named and named[2]:
            Path(entry).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in the folder safe against a power cut: a file's own sync does not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
