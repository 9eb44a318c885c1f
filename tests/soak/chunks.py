"""The stream in chunks of 4,096 sequences, each with a checksum: what was published beside what the log gives back."""

import zlib
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CHUNK = 4_096


class Chunk(NamedTuple):
    """Records of the sequences `number` * 4,096 + 1 and the next 4,095, as far as they were there."""

    number: int
    checksum: int
    count: int


class Chunks:
    """Takes records in the order of their sequences, in whatever pieces; gives chunks that are complete, or passed.

    Attributes
    ----------
    last : int
        The last sequence taken.
    holes : deque of (int, int)
        The sequences that did not come, first and last.

    Threads: one adds, one takes.
    """

    def __init__(self) -> None:
        self.last = 0
        self.count = 0
        self.others = 0
        self.holes: deque[tuple[int, int]] = deque()
        self._done: deque[Chunk] = deque()
        self._open: Chunk | None = None

    def add(self, records: NDArray[np.void]) -> None:
        """Take records; their sequences follow each other without a hole, but there may be one before the first."""
        if not len(records):
            return
        first, last = int(records["sequence"][0]), int(records["sequence"][-1])
        if last - first + 1 != len(records) or first <= self.last:
            raise ValueError(f"{len(records)} records from {first} to {last} behind {self.last}: not one stream")
        if self.last and first > self.last + 1:
            self.holes.append((self.last + 1, first - 1))
        self.count += len(records)
        self.others += int(np.count_nonzero(records["kind"] > 1))
        self.last = last
        while len(records):
            number = (int(records["sequence"][0]) - 1) // CHUNK
            size = (number + 1) * CHUNK - int(records["sequence"][0]) + 1
            self._add(number, records[:size])
            records = records[size:]

    def _add(self, number: int, records: NDArray[np.void]) -> None:
        if self._open is None or self._open.number != number:
            self.flush()
            self._open = Chunk(number, 0, 0)
        checksum = zlib.crc32(np.ascontiguousarray(records).view(np.uint8), self._open.checksum)
        self._open = Chunk(number, checksum, self._open.count + len(records))
        if int(records["sequence"][-1]) == (number + 1) * CHUNK:
            self.flush()

    def flush(self) -> None:
        """Give the chunk that is not complete as well; nothing may follow in it."""
        if self._open is not None:
            self._done.append(self._open)
            self._open = None

    def take(self) -> list[Chunk]:
        """Return the chunks that are done since the last call."""
        return [self._done.popleft() for _ in range(len(self._done))]
