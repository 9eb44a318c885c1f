"""Level 4: where in a log file to begin reading: from its index file, or from the headers of its blocks."""

import os
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.errors import LogCorruptError
from pricecore.eventlog.blocks import AT_END, BlockReader
from pricecore.eventlog.files import open_for_reading, sequences_of
from pricecore.eventlog.heads import FileHead, TornHead, header_crc, open_log_file, read_head
from pricecore.eventlog.layout import INDEX_DTYPE, INDEX_HEADER_DTYPE, INDEX_MAGIC, VERSION, file_name
from pricecore.primitives.crc32 import crc32_of
from pricecore.primitives.descriptor import Descriptor
from pricecore.primitives.new_file import create_file

_HEADER_BYTES = INDEX_HEADER_DTYPE.itemsize
_NO_TIME = np.iinfo(np.int64)


class FileIndex(NamedTuple):
    """Stretches of a file: where each begins, with which sequence, and the times around it. All arrays ascend."""

    offsets: NDArray[np.uint64]
    first_sequences: NDArray[np.uint64]
    greatest_through: NDArray[np.int64]
    """The greatest received_ns in it and before it in the file."""
    least_from: NDArray[np.int64]
    """The least received_ns in it and behind it in the file."""

    def place_of(self, sequence: int) -> tuple[int, int] | None:
        """Return offset and first sequence of the stretch that holds a sequence; None: it is not known."""
        found = int(np.searchsorted(self.first_sequences, np.uint64(sequence), "right")) - 1
        return self.place(found) if found >= 0 else None

    def place(self, stretch: int) -> tuple[int, int]:
        """Return offset and first sequence of a stretch."""
        return int(self.offsets[stretch]), int(self.first_sequences[stretch])

    def reaches(self, received_ns: int) -> int | None:
        """Return the first stretch with a record received then or later, or None."""
        found = int(np.searchsorted(self.greatest_through, received_ns, "left"))
        return found if found < len(self.offsets) else None

    def last_before(self, received_ns: int) -> int | None:
        """Return the last stretch with a record received earlier, or None."""
        found = int(np.searchsorted(self.least_from, received_ns, "left"))
        return found - 1 if found else None


def index_of_entries(entries: NDArray[np.void]) -> FileIndex:
    """Return the index of stretches as `BlockReader.entries` gives them."""
    return FileIndex(
        np.ascontiguousarray(entries["offset"]),
        np.ascontiguousarray(entries["first_sequence"]),
        np.maximum.accumulate(entries["greatest_ns"]),
        np.minimum.accumulate(entries["least_ns"][::-1])[::-1].copy(),
    )


def build_index(file: Descriptor, path: str, head: FileHead, *, sealed: bool = True) -> tuple[FileIndex, BlockReader]:
    """Make the index of a file from the headers of its blocks; return the reader that went through them.

    Raises
    ------
    LogCorruptError
        It is sealed, and the headers do not lead to its end.

    Threads: any. Cost: a short read a block, or the whole file when the blocks are short.
    """
    reader = BlockReader(file, path)
    reader.start(head.size_bytes, head.first_sequence, head.crc, len(head.symbols))
    reader.hop()
    size_bytes = os.fstat(file.descriptor).st_size
    if sealed and reader.offset > size_bytes:
        raise LogCorruptError(path, size_bytes, "the file ends inside a block")
    if sealed and (reader.verdict != AT_END or reader.offset != size_bytes):
        raise LogCorruptError(path, reader.offset, reader.reason)
    return index_of_entries(reader.entries()), reader


def load_index(file: Descriptor, path: str) -> FileIndex | None:
    """Return what the index of an open file says; None when there is none, or it is not whole, or of another file.

    Threads: any. Cost: reads a two-thousandth of the file's size, and nothing of the file but its header.
    """
    log_bytes = os.fstat(file.descriptor).st_size
    try:
        with open_for_reading(index_path(path)) as index:
            data = index.read(_HEADER_BYTES + log_bytes)
    except (OSError, LogCorruptError):
        return None
    if len(data) < _HEADER_BYTES or (len(data) - _HEADER_BYTES) % INDEX_DTYPE.itemsize:
        return None
    header = np.frombuffer(data, INDEX_HEADER_DTYPE, 1)[0]
    wanted = (INDEX_MAGIC, VERSION, log_bytes, header_crc(file.descriptor), crc32_of(data[16:]))
    found = tuple(header[name] for name in ("magic", "version", "log_bytes", "header_crc", "crc"))
    return _index_in(np.frombuffer(data, INDEX_DTYPE, -1, _HEADER_BYTES)) if found == wanted else None


def _index_in(stored: NDArray[np.void]) -> FileIndex:
    return FileIndex(*(np.ascontiguousarray(stored[name]) for name in INDEX_DTYPE.names or ()))


def write_index(path: str | PathLike[str]) -> Path:
    """Write the index of a sealed log file beside it; return its path.

    It is a cache: readers take it when it fits the file, and look at the file otherwise.

    Raises
    ------
    LogCorruptError
        The file's headers do not lead to its end.
    OSError
        It cannot be read, or the index not be written.

    Threads: any. Cost: as `build_index`; the file's payloads are not judged.
    """
    name = os.fspath(path)
    file = open_log_file(name)
    try:
        head = read_head(file.descriptor, name)
        if isinstance(head, TornHead):
            raise LogCorruptError(name, head.offset, head.reason)
        index, reader = build_index(file, name, head)
        log_bytes = os.fstat(file.descriptor).st_size
    finally:
        file.close()
    return _written(index, index_path(name), log_bytes, head.crc, reader.last_crc)


def _written(index: FileIndex, path: Path, log_bytes: int, header_crc: int, last_crc: int) -> Path:
    entries = np.empty(len(index.offsets), INDEX_DTYPE)
    for name, column in zip(INDEX_DTYPE.names or (), index, strict=True):
        entries[name] = column
    header = np.zeros(1, INDEX_HEADER_DTYPE)
    header[0] = (INDEX_MAGIC, VERSION, 0, 0, log_bytes, header_crc, last_crc)
    header["crc"] = crc32_of(header.tobytes()[16:] + entries.tobytes())
    draft = path.with_name(f"{path.name}.tmp")
    with create_file(draft) as file:
        file.write(header.tobytes() + entries.tobytes())
    return draft.replace(path)  # not synced: a torn one has a wrong checksum, and is made again


def write_missing_indexes(folder: Path) -> None:
    """Write the indexes that sealed files of a log lack; one that cannot be written is left out.

    Threads: any; whoever holds the log's lock. Cost: `write_index` for each.
    """
    for first_sequence in sequences_of(folder, "log")[:-1]:
        path = folder / file_name(first_sequence, "log")
        if not index_path(str(path)).exists():
            with suppress(LogCorruptError, OSError):
                write_index(path)


def index_path(path: str) -> Path:
    """Return where the index of a log file stands."""
    return Path(path).with_suffix(".index")
