"""Level 4: the head of a log file: header, symbols and source position. All of it is judged before it is used."""

import os
import stat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.errors import LogCorruptError
from pricecore.eventlog.checking import first_bad_symbol
from pricecore.eventlog.layout import (
    FILE_HEADER_DTYPE,
    LOG_MAGIC,
    MAX_POSITION_BYTES,
    SYMBOL_DTYPE,
    VERSION,
    padded,
    parse_name,
)
from pricecore.primitives.crc32 import crc32_of
from pricecore.primitives.descriptor import Descriptor

_HEADER_BYTES = FILE_HEADER_DTYPE.itemsize
_NAME_OFFSET = 16
_VERSION_BYTES = VERSION.to_bytes(2, "little")
VERSION_OFFSET = 8
"""At which a LogCorruptError complains of a version."""


class FileHead(NamedTuple):
    """The head of a log file, found good.

    Attributes
    ----------
    version, flags : int
    log_id : bytes
        16, the same in all files of a log.
    first_sequence, created_ns, generation : int
    symbols : numpy.ndarray
        Of `SYMBOL_DTYPE`, read-only: those introduced before the file, in the order of ids.
    position : bytes
        The source position in force where the file begins.
    size_bytes : int
        Where the blocks begin.
    crc : int
        That the first block is chained to.
    """

    version: int
    flags: int
    log_id: bytes
    first_sequence: int
    created_ns: int
    generation: int
    symbols: NDArray[np.void]
    position: bytes
    size_bytes: int
    crc: int


class TornHead(NamedTuple):
    """A head that is not complete and good, as a crash may leave it in the live file."""

    reason: str
    offset: int = 0


def open_log_file(path: str) -> Descriptor:
    """Open a file for reading.

    Raises
    ------
    LogCorruptError
        It is a folder, a pipe or a device. OSError: it cannot be opened.
    """
    file = Descriptor(os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)))  # a pipe would block
    if not stat.S_ISREG(os.fstat(file.descriptor).st_mode):
        file.close()
        raise LogCorruptError(path, 0, "no log file: a folder, a pipe or a device")
    return file


def read_head(descriptor: int, path: str) -> FileHead | TornHead:
    """Read and judge the head of an open log file.

    Raises
    ------
    LogCorruptError
        It is no log file, of another version, has another sequence than its name says, or its symbols are not what a
        writer makes: nothing that a crash leaves behind.
    OSError
        It cannot be read.

    Threads: any. Cost: reads 64 bytes a symbol.
    """
    data = os.pread(descriptor, _HEADER_BYTES, 0)
    magic = data[: len(LOG_MAGIC)]
    if len(data) < _HEADER_BYTES and (LOG_MAGIC.startswith(magic) or not any(data)):
        return TornHead("the file ends inside its header", len(data))
    if not any(data):
        return TornHead("its header is zeros")
    if magic != LOG_MAGIC or data[8:10] != _VERSION_BYTES:
        restored = LOG_MAGIC + _VERSION_BYTES + data[10:-4]
        if crc32_of(restored).to_bytes(4, "little") == data[-4:]:
            return TornHead("its magic or its version is damaged, the rest of the header is right")
    if magic != LOG_MAGIC:
        raise LogCorruptError(path, 0, f"no log file: it begins with {magic!r} instead of {LOG_MAGIC!r}")
    header = np.frombuffer(data, FILE_HEADER_DTYPE)[0]
    if header["version"] != VERSION:
        raise LogCorruptError(
            path, VERSION_OFFSET, f"version {header['version']} of the format; this pricecore reads {VERSION}"
        )
    if crc32_of(data[:-4]) != header["crc"]:
        return TornHead("the checksum of its header is wrong")
    _check_header(header, path)
    return _with_body(descriptor, path, header)


def header_crc(descriptor: int) -> int:
    """Return the crc of an open file's header, good or not: what an index names its file by. -1: there is none.

    Threads: any. Cost: a system call.
    """
    data = os.pread(descriptor, _HEADER_BYTES, 0)
    return int.from_bytes(data[-4:], "little") if len(data) == _HEADER_BYTES else -1


def _check_header(header: np.void, path: str) -> None:
    if header["header_bytes"] != _HEADER_BYTES:
        raise LogCorruptError(path, 10, f"a header of {header['header_bytes']} bytes; version {VERSION} has 128")
    name = os.path.basename(path)  # noqa: PTH119 - a name, not a place
    named = parse_name(name)
    if not named or named[:2] != (header["sequence"], "log"):
        raise LogCorruptError(path, 32, f"the header says that sequence {header['sequence']} is first, its name not")
    if not 1 <= header["sequence"] < 1 << 62:
        raise LogCorruptError(path, 32, f"sequence {header['sequence']}; sequences are 1 to 2**62 - 1")
    if header["position_bytes"] > MAX_POSITION_BYTES:
        raise LogCorruptError(path, 60, f"a position of {header['position_bytes']} bytes; {MAX_POSITION_BYTES} at most")


def _with_body(descriptor: int, path: str, header: np.void) -> FileHead | TornHead:
    symbol_bytes = int(header["symbol_count"]) * SYMBOL_DTYPE.itemsize
    position_bytes = int(header["position_bytes"])
    body_bytes = symbol_bytes + padded(position_bytes)
    size_bytes = os.fstat(descriptor).st_size
    if size_bytes < _HEADER_BYTES + body_bytes:  # before anything of that length is asked for
        return TornHead("the file ends inside its symbols or position", size_bytes)
    body = os.pread(descriptor, body_bytes, _HEADER_BYTES)
    if len(body) < body_bytes or crc32_of(body) != header["body_crc"]:
        return TornHead("the checksum of its symbols and position is wrong", _HEADER_BYTES)
    symbols = np.frombuffer(body, SYMBOL_DTYPE, int(header["symbol_count"]))
    _check_symbols(symbols, path)
    return FileHead(
        int(header["version"]),
        int(header["flags"]),
        bytes(header["log_id"]),
        int(header["sequence"]),
        int(header["created_ns"]),
        int(header["generation"]),
        symbols,
        body[symbol_bytes : symbol_bytes + position_bytes],
        _HEADER_BYTES + body_bytes,
        int(header["crc"]),
    )


def _check_symbols(symbols: NDArray[np.void], path: str) -> None:
    """Refuse symbols that are not numbered one by one, or without a name of 1 to 48 bytes."""
    bad = first_bad_symbol(symbols.tobytes())
    if bad >= 0:
        offset = _HEADER_BYTES + bad * SYMBOL_DTYPE.itemsize
        raise LogCorruptError(path, offset, f"not the SYMBOL record of id {bad}: {symbols[bad]}")


def names_of(symbols: NDArray[np.void], path: str, offset: int) -> list[str]:
    """Return the names of SYMBOL records, `SYMBOL_DTYPE`.

    Raises
    ------
    LogCorruptError
        One is not UTF-8; file and offset are those given.
    """
    try:
        raw = symbols.tobytes()
        places = range(_NAME_OFFSET, len(raw), SYMBOL_DTYPE.itemsize)
        return [raw[at : at + n].decode() for at, n in zip(places, symbols["length"].tolist(), strict=True)]
    except UnicodeDecodeError as error:
        raise LogCorruptError(path, offset, f"a symbol's name is not UTF-8: {error.object!r}") from None
