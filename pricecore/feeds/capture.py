"""Files of lines, plain or gzip, a pipe or standard input: read in one pass and in constant memory, damaged or not."""

import os
import select
import stat
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol

from pricecore.errors import FormatError
from pricecore.feeds.lines import CaptureStamp, Lines, Record

STANDARD_INPUT = "-"
"""Stands for it where a path is asked."""

_CHUNK_BYTES = 1 << 18
_PACKED_BYTES = 1 << 15  # at a time, so that little is lost in front of damage
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_GZIP = 31  # zlib's word for a gzip header and its check sum


class Content(Protocol):
    """Where the lines of a source come from: a file, or a member of an archive."""

    path: str
    size_bytes: int
    position_bytes: int
    at_end: bool
    damage: str | None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content; all that can be read comes out, then `damage` is set."""

    def interrupt(self) -> None:
        """Make a `chunks` that waits in another thread end."""

    def close(self) -> None:
        """Close what is open."""


class Capture:
    """A file being read.

    Parameters
    ----------
    path : str or Path
        The file, "-" for standard input. Gzip is told from plain text by its first bytes, never by the name.

    Attributes
    ----------
    size_bytes : int
        Size on disk; 0 where there is none, as for a pipe.
    position_bytes : int
        How much of it has been read, packed as it is on disk.
    at_end : bool
        Whether the end was reached.
    damage : str or None
        Why reading stopped before the end of the file; None while all is well.

    Raises
    ------
    OSError
        The file is missing, is a folder or may not be read.

    Threads: one reads; the attributes may be read and `interrupt` called by any.
    Cost: holds one chunk of 256 KiB.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.damage: str | None = None
        self.position_bytes = 0
        self.at_end = False
        self._is_input = self.path == STANDARD_INPUT
        self._file = 0 if self._is_input else os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._wake: tuple[int, int] | None = None
        self._interrupted = False
        status = self._status()
        if stat.S_ISDIR(status.st_mode):
            self.close()
            raise IsADirectoryError(21, "Is a directory", self.path)
        self.size_bytes = status.st_size if stat.S_ISREG(status.st_mode) else 0
        if not stat.S_ISREG(status.st_mode):
            self._wake = os.pipe()

    def lines(self) -> Iterator[bytes]:
        """Yield the lines, without their newlines; half a line that the file broke off in is `UNREADABLE`.

        Threads: one.
        Cost: waits for the file.
        """
        return (line for _, _, line in Lines(self.chunks(), damaged=lambda: self.damage))

    def chunks(self) -> Iterator[bytes]:
        """Return an iterator of the content, unpacked, as it comes.

        Raises
        ------
        FormatError
            It is a zip archive, whose directory stands at its end.

        Threads: one.
        Cost: waits for the file, without the GIL; ends when `interrupt` is called.
        """
        first = self._read(_CHUNK_BYTES)
        while len(first) == 1 and (more := self._read(_CHUNK_BYTES)):
            first += more
        if first.startswith(_ZIP_MAGIC):
            raise FormatError("a zip archive cannot be read as a stream: give `pricecore run` the name of the file")
        pieces = chain([first], iter(lambda: self._read(_CHUNK_BYTES), b"")) if first else ()
        return self._unpacked(pieces) if first[:2] == _GZIP_MAGIC else iter(pieces)

    def interrupt(self) -> None:
        """Make a `chunks` that waits for a pipe in another thread end. Threads: any. Cost: one system call."""
        self._interrupted = True
        if self._wake is not None:
            os.write(self._wake[1], b".")

    def close(self) -> None:
        """Close the file. Threads: any, while no other reads. Cost: one system call."""
        descriptors = [*(self._wake or ())]
        if self._file >= 0 and not self._is_input:
            descriptors.append(self._file)
        self._file, self._wake = -1, None
        for descriptor in descriptors:
            os.close(descriptor)

    def _status(self) -> os.stat_result:
        try:
            return os.fstat(self._file)
        except OSError as error:  # it names no file
            raise OSError(error.errno, error.strerror, "standard input") from None

    def _read(self, size: int) -> bytes:
        """Return what there is, at least a byte; empty at the end and when interrupted."""
        if self._wake is not None:
            select.select([self._file, self._wake[0]], [], [])
        if self._interrupted or self._file < 0:
            return b""
        try:
            data = os.read(self._file, size)
        except OSError as error:
            self.damage = f"damaged: {error}"
            return b""
        self.position_bytes += len(data)
        self.at_end = not data
        return data

    def _unpacked(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        small_pieces = (part[at : at + _PACKED_BYTES] for part in pieces for at in range(0, len(part), _PACKED_BYTES))
        unpack = zlib.decompressobj(_GZIP)
        try:
            for packed in small_pieces:
                while packed := packed.lstrip(b"\0") if unpack.eof else packed:  # members may be padded
                    unpack = zlib.decompressobj(_GZIP) if unpack.eof else unpack
                    text = unpack.decompress(packed, _CHUNK_BYTES)
                    while text:
                        yield text
                        text = b"" if unpack.eof else unpack.decompress(unpack.unconsumed_tail, _CHUNK_BYTES)
                    packed = unpack.unused_data
        except zlib.error as error:
            self.damage = f"damaged: {error}"
            return
        if not unpack.eof and not self._interrupted:
            self.damage = "cut off in mid-gzip"


def timed_messages(lines: Iterable[bytes], number: int) -> Iterator[Record]:
    """Yield (receive time in ns, number, message) of every line; see `CaptureStamp`.

    Threads: one.
    Cost: about 0.2 us a line.
    """
    return Lines((line + b"\n" for line in lines), number, CaptureStamp())
