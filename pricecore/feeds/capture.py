"""Files of lines, plain or gzip, read in one pass and in constant memory, damaged or not."""

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_LINE_BYTES = 10 << 20
"""A longer line is dropped while it is read and comes out as `UNREADABLE`."""

UNREADABLE = b"\xff"
"""Stands for a line that was too long or was cut off: no UTF-8, so every decoder counts it as malformed."""

_CHUNK_BYTES = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_TIME_DIGITS = 19
_SECONDS = re.compile(rb"(\d{1,10})(?:\.(\d{1,9})\d*)?:")
_NOT_RECEIVED = re.compile(rb"wss?://\S+ <-(?:>| )")  # a connection was made, or a message was sent


class Capture:
    """A file being read line by line.

    Parameters
    ----------
    path : str or Path
        The file. Gzip is told from plain text by its first bytes, never by the name.

    Attributes
    ----------
    size_bytes : int
        Size on disk; 0 where there is none, as for a pipe.
    damage : str or None
        Why reading stopped before the end of the file; None while all is well.

    Raises
    ------
    OSError
        The file is missing, is a folder or may not be read.

    Threads: one reads; `position_bytes` may be called by any.
    Cost: holds one chunk of 256 KiB and one line.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.damage: str | None = None
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed by `close`
        self.size_bytes = os.fstat(self._file.fileno()).st_size
        packed = self._file.peek(2)[:2] == _GZIP_MAGIC
        self._stream = gzip.GzipFile(fileobj=self._file) if packed else self._file

    def position_bytes(self) -> int:
        """Return how much of the file has been read, packed as it is on disk; 0 for a pipe.

        Threads: any.
        Cost: one system call.
        """
        try:
            return os.lseek(self._file.fileno(), 0, os.SEEK_CUR)
        except (OSError, ValueError):  # a pipe, or closed meanwhile
            return 0

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without their newline; all that can be read comes out, then `damage` is set.

        Threads: one.
        Cost: waits for the file.
        """
        head = b""  # the start of a line whose end is still to come
        dropping = False
        for chunk in self._chunks():
            if dropping:
                _, newline, chunk = chunk.partition(b"\n")
                if not newline:
                    continue
                dropping = False
                yield UNREADABLE
            lines = chunk.split(b"\n")
            lines[0] = head + lines[0]
            head = lines.pop()
            if lines and len(lines[0]) > MAX_LINE_BYTES:
                lines[0] = UNREADABLE
            yield from lines
            if len(head) > MAX_LINE_BYTES:
                head, dropping = b"", True
        if dropping or (head and self.damage):
            yield UNREADABLE  # half a number would pass for a number
        elif head:
            yield head

    def close(self) -> None:
        """Close the file. Threads: any. Cost: one system call."""
        self._stream.close()
        self._file.close()

    def _chunks(self) -> Iterator[bytes]:
        # read1, because read would drop what it has gathered when the next piece is damaged.
        try:
            while chunk := self._stream.read1(_CHUNK_BYTES):
                yield chunk
        except EOFError:
            self.damage = "cut off in mid-gzip"
        except (OSError, zlib.error) as error:
            self.damage = f"damaged: {error}"


def timed_messages(lines: Iterable[bytes], source: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (receive time in ns, source, message) of every line.

    A line is `<ns> <message>`, `<seconds with a fraction>: <message>` as cryptofeed captures have it, or the message
    alone, which is taken to have come with the line before it. A line of cryptofeed that tells of a connection or of
    a message sent is an empty message.

    Threads: one.
    Cost: about 0.4 us a line, 1 us with the time in seconds.
    """
    time_ns = 0
    for line in lines:
        stamp, space, message = line.partition(b" ")
        if space and stamp.isdigit() and len(stamp) <= _MAX_TIME_DIGITS:
            time_ns = int(stamp)
        elif space and (seconds := _SECONDS.fullmatch(stamp)):
            time_ns = int(seconds[1] + (seconds[2] or b"").ljust(9, b"0"))
        else:
            message = b"" if _NOT_RECEIVED.match(line) else line
        yield time_ns, source, message
