"""Level 4: the files of a log's folder."""

import os
from pathlib import Path

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
