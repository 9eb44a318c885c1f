"""Level 4: snapshots of a log: taken beside writers, written as a whole or not at all, judged before they count."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pricecore.dtypes import QUOTE_DTYPE, RECORD_DTYPE
from pricecore.errors import LogCorruptError
from pricecore.eventlog.files import open_for_reading, sequences_of, sync_folder
from pricecore.eventlog.layout import (
    FILE_HEADER_DTYPE,
    MAX_POSITION_BYTES,
    SNAPSHOT_MAGIC,
    VERSION,
    file_name,
    padded,
)
from pricecore.eventlog.state import copy_state, flaw_of
from pricecore.metrics.log import warn_throttled
from pricecore.primitives.crc32 import crc32_of
from pricecore.primitives.new_file import create_file
from pricecore.primitives.segment import Segment

_HEADER_BYTES = FILE_HEADER_DTYPE.itemsize
_SYMBOL_BYTES = 3 * RECORD_DTYPE.itemsize


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Names, latest prices and latest quotes of a log up to a record.

    Attributes
    ----------
    records : ndarray of RECORD_DTYPE, shape (symbols, 3), read-only
        SYMBOL, latest PRICE and latest QUOTE record of each symbol, by id; zeros: none.
    sequence : int
        All records up to this one are in it.
    last_sequence : int
        Of those behind `sequence` and up to this one any may be in it.
    generation : int
        Counts the writers of the log.
    position : bytes
        The source position that held at `sequence`.
    created_ns : int
        When it was taken, by the wall clock.
    """

    records: NDArray[np.void]
    sequence: int
    last_sequence: int
    generation: int = 0
    position: bytes = b""
    created_ns: int = 0

    @property
    def symbols(self) -> NDArray[np.void]:
        """The SYMBOL records, by id."""
        return self.records[:, 0]

    @property
    def prices(self) -> NDArray[np.void]:
        """The latest PRICE record of each symbol, by id; zeros: none."""
        return self.records[:, 1]

    @property
    def quotes(self) -> NDArray[np.void]:
        """The latest QUOTE record of each symbol as QUOTE_DTYPE, by id; zeros: none."""
        return self.records[:, 2].view(QUOTE_DTYPE)

    def stream(self) -> NDArray[np.void]:
        """Return its records in the order of their sequences, as a log that lacks all others.

        Cost: sorts and copies.
        """
        return in_order(self.records)


def in_order(records: NDArray[np.void]) -> NDArray[np.void]:
    """Return the records of a state, shape (symbols, 3), in the order of their sequences; zeros are left out."""
    flat = records.reshape(-1)
    sequences = np.ascontiguousarray(flat["sequence"])
    order = np.argsort(sequences)
    return flat[order[np.searchsorted(sequences, 0, side="right", sorter=order) :]]


def take_snapshot(segment: Segment, sequence: int, generation: int = 0, position: bytes = b"") -> Snapshot:
    """Copy names and latest records of a segment while its writers go on.

    Parameters
    ----------
    segment : Segment
    sequence : int
        Up to here all records were published when this is called: what the log has written.
    generation : int
        Of the log's writer.
    position : bytes
        The source position that held at `sequence`, not a later one.

    Returns
    -------
    Snapshot
        Sync the log up to its `last_sequence` before `write_snapshot`: no snapshot may outlive its log.

    Threads: any. Cost: allocates and copies 192 bytes a symbol without the GIL; waits for nobody.
    """
    records = copy_state(segment)
    records.setflags(write=False)
    last = max(sequence, int(records["sequence"].max(initial=0)))
    return Snapshot(records, sequence, last, generation, position, time.time_ns())


def write_snapshot(folder: Path, snapshot: Snapshot, log_id: bytes) -> Path:
    """Write the snapshot into the log's folder, so that a crash at any moment leaves all of it or nothing.

    Parameters
    ----------
    folder : Path
    snapshot : Snapshot
    log_id : bytes
        The 16 bytes that all files of the log carry.

    Returns
    -------
    Path
        Where it stands; one of the same sequence is replaced.

    Raises
    ------
    OSError
        It could not be written; nothing of it is left.
    ValueError
        The position is longer than 4,096 bytes, or log_id has not 16.

    Threads: one at a time, the one that holds the log's lock. Cost: writes 192 bytes a symbol, syncs file and folder.
    """
    header, position = _header_of(snapshot, log_id), _padded_position(snapshot.position)
    path = folder / file_name(snapshot.sequence, "snapshot")
    draft = path.with_name(path.name + ".tmp")
    try:
        with create_file(draft) as file:
            file.write(header)
            file.write(_bytes_of(snapshot.records))
            file.write(position)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return path


def _bytes_of(records: NDArray[np.void]) -> memoryview:
    return np.ascontiguousarray(records).reshape(-1).view(np.uint8).data


def _padded_position(position: bytes) -> bytes:
    return position.ljust(padded(len(position)), b"\0")


def _header_of(snapshot: Snapshot, log_id: bytes) -> bytes:
    """Return the 128 bytes at its start."""
    if len(log_id) != FILE_HEADER_DTYPE["log_id"].itemsize:
        raise ValueError(f"log_id has {len(log_id)} bytes; it must have 16")
    if len(snapshot.position) > MAX_POSITION_BYTES:
        raise ValueError(f"the position has {len(snapshot.position):,} bytes; at most {MAX_POSITION_BYTES:,} fit")
    header = np.zeros((), FILE_HEADER_DTYPE)
    header["magic"], header["version"], header["header_bytes"] = SNAPSHOT_MAGIC, VERSION, _HEADER_BYTES
    header["log_id"], header["generation"] = np.void(log_id), snapshot.generation
    header["sequence"], header["last_sequence"] = snapshot.sequence, snapshot.last_sequence
    header["created_ns"] = snapshot.created_ns
    header["symbol_count"], header["position_bytes"] = len(snapshot.records), len(snapshot.position)
    header["body_crc"] = crc32_of(_padded_position(snapshot.position), crc32_of(_bytes_of(snapshot.records)))
    header["crc"] = crc32_of(header.tobytes()[:-4])
    return header.tobytes()


def newest_good(folder: Path, log_id: bytes, at_most: int | None = None) -> Snapshot | None:
    """Return the newest snapshot that is complete and good; None when there is none.

    Parameters
    ----------
    folder : Path
    log_id : bytes
        A snapshot of another log does not count.
    at_most : int, optional
        No record behind this sequence may be in it: pass the last sequence of the log.

    Raises
    ------
    OSError
        The folder cannot be read.

    A bad one is passed over, with a warning that names it and says what is wrong.

    Threads: any. Cost: reads each snapshot that it looks at.
    """
    for sequence in reversed(sequences_of(folder, "snapshot")):
        if at_most is not None and sequence > at_most:
            continue
        path = folder / file_name(sequence, "snapshot")
        try:
            snapshot = read_snapshot(path, log_id)
        except (LogCorruptError, OSError) as error:
            warn_throttled(("snapshot", str(path)), "a snapshot is passed over: %s", error)
            continue
        if at_most is None or snapshot.last_sequence <= at_most:
            return snapshot
    return None


def set_aside_later(folder: Path, log_id: bytes, last_sequence: int) -> list[Path]:
    """Rename snapshots that hold more than the log: its end was lost, and what comes will have the same sequences.

    None is there unless damage was cut off, or files of a backup were put back.

    Parameters
    ----------
    folder : Path
    log_id : bytes
    last_sequence : int
        Of the log.

    Returns
    -------
    list of Path
        The new names, which end in `.beyond`; a warning tells of each.

    Threads: one, that holds the log's lock. Cost: reads 128 bytes of each snapshot.
    """
    aside = []
    for sequence in sequences_of(folder, "snapshot"):
        path = folder / file_name(sequence, "snapshot")
        try:
            with open_for_reading(path) as file:
                header = _read_header(path, file.read(_HEADER_BYTES), log_id)
        except (LogCorruptError, OSError):
            continue  # it counts for nothing already
        if header["last_sequence"] > last_sequence:
            aside.append(path.replace(path.with_name(path.name + ".beyond")))
            text = "%s holds more than its log, which ends at sequence %d: it is called %s now"
            warn_throttled(("snapshot", str(path)), text, path, last_sequence, aside[-1].name)
    if aside:
        sync_folder(folder)
    return aside


def read_snapshot(path: Path, log_id: bytes | None = None) -> Snapshot:
    """Read one snapshot and judge all of it.

    Raises
    ------
    LogCorruptError
        It is not complete, not good, or belongs to another log than `log_id`; the message says which.
    OSError
        It cannot be read.

    Threads: any. Cost: reads the file once; 192 bytes a symbol of memory.
    """
    with open_for_reading(path) as file:
        header = _read_header(path, file.read(_HEADER_BYTES), log_id)
        count, position_bytes = int(header["symbol_count"]), int(header["position_bytes"])
        expected = _HEADER_BYTES + _SYMBOL_BYTES * count + padded(position_bytes)
        size = os.fstat(file.fileno()).st_size
        if size != expected:  # before anything of this length is reserved
            raise LogCorruptError(str(path), min(size, expected), f"it has {size:,} bytes and should have {expected:,}")
        body = bytearray(expected - _HEADER_BYTES)
        if file.readinto(body) != len(body) or crc32_of(body) != header["body_crc"]:
            raise LogCorruptError(str(path), _HEADER_BYTES, "the checksum of its records is wrong")
    records = np.frombuffer(body, RECORD_DTYPE, 3 * count).reshape(count, 3)
    records.setflags(write=False)
    last = int(header["last_sequence"])
    if (flaw := flaw_of(records, last)) is not None:
        raise LogCorruptError(str(path), _HEADER_BYTES + _SYMBOL_BYTES * flaw[0], flaw[1])
    position = bytes(body[_SYMBOL_BYTES * count :][:position_bytes])
    generation, created_ns = int(header["generation"]), int(header["created_ns"])
    return Snapshot(records, int(header["sequence"]), last, generation, position, created_ns)


def _read_header(path: Path, data: bytes, log_id: bytes | None) -> np.void:
    """Return the header, or raise LogCorruptError."""
    if len(data) < _HEADER_BYTES:
        raise LogCorruptError(str(path), len(data), f"it ends within its header of {_HEADER_BYTES} bytes")
    header = np.frombuffer(data, FILE_HEADER_DTYPE)[0]
    flaws = {
        "this is no snapshot": header["magic"] != SNAPSHOT_MAGIC,
        f"it is of version {header['version']}, this pricecore reads version {VERSION}": header["version"] != VERSION,
        "the checksum of its header is wrong": header["crc"] != crc32_of(data[:-4]),
        "it belongs to another log": log_id is not None and header["log_id"].tobytes() != log_id,
        "its name and its sequence differ": path.name != file_name(int(header["sequence"]), "snapshot"),
        "its two sequences are the wrong way round": header["sequence"] > header["last_sequence"],
        "its header has another length": header["header_bytes"] != _HEADER_BYTES,
        f"its position is longer than {MAX_POSITION_BYTES:,} bytes": header["position_bytes"] > MAX_POSITION_BYTES,
    }
    for reason, is_so in flaws.items():
        if is_so:
            raise LogCorruptError(str(path), 0, reason)
    return header
