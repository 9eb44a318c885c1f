"""Level 4: how far a log file is good, and whether a crash can have left what stands behind."""

import os
from collections.abc import Callable
from os import PathLike
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.errors import LogCorruptError
from pricecore.eventlog.blocks import AT_END, ENTRY_DTYPE, Block, BlockReader
from pricecore.eventlog.checking import VERDICTS
from pricecore.eventlog.heads import FileHead, TornHead, open_log_file, read_head
from pricecore.eventlog.layout import GAP, SYMBOL_DTYPE, parse_name
from pricecore.primitives.descriptor import Descriptor

_CRASH_MAKES = frozenset(range(1, VERDICTS.index("a block's first sequence does not follow what stands before it")))
"""Verdicts on a block whose crc is not right, or not chained: see checking.pxd."""


PROGRESS_BYTES = 32 << 20


class TornTail(NamedTuple):
    """What a crash left behind the last good block of the live file."""

    offset: int
    size_bytes: int
    records: int | None
    """How many are lost with it, as far as its headers can be read; None: they say nothing."""
    path: str
    """Of the file."""


class Gap(NamedTuple):
    """Sequences that are missing from the stream, both included."""

    first_sequence: int
    last_sequence: int
    reason: str
    """"skipped": the ring was full; "never_logged": the engine was ahead of its log; "damaged": cut out by a repair;
    "removed": by retention while this was reading."""


GAP_REASONS = {1: "skipped", 2: "never_logged", 3: "damaged"}


def gap_of(block: Block) -> Gap:
    """Return what a block of type gap says."""
    reason = GAP_REASONS.get(block.reason, f"reason {block.reason}")
    return Gap(block.first_sequence, block.last_sequence, reason)


class FileScan(NamedTuple):
    """One log file up to its last good block.

    Attributes
    ----------
    path : str
    head : FileHead or None
        None: the head itself is torn; then nothing else is in the file, and its writer had acknowledged nothing of it.
    size_bytes : int
        Of the whole file.
    end_offset : int
        Behind the last good block: where the next one goes.
    last_sequence : int
        The highest so far; that before the file's first one when it holds no records.
    last_crc : int
        That the next block is chained to.
    position : bytes
        The source position in force at the end, and `position_sequence` the last record that came from before it.
    records, blocks : int
    symbols : int
        Introduced so far, by the head and by the records.
    synced_sequence : int
        The greatest that a block names.
    new_symbols : numpy.ndarray
        The SYMBOL records of the blocks, `SYMBOL_DTYPE`.
    gaps : tuple of Gap
    entries : numpy.ndarray
        offset, first_sequence, least_ns and greatest_ns of each block.
    tail : TornTail or None
    """

    path: str
    head: FileHead | None
    size_bytes: int
    end_offset: int
    last_sequence: int
    last_crc: int
    position: bytes
    position_sequence: int
    records: int
    blocks: int
    symbols: int
    synced_sequence: int
    new_symbols: NDArray[np.void]
    gaps: tuple[Gap, ...]
    entries: NDArray[np.void]
    tail: TornTail | None


def scan_file(path: str | PathLike[str], *, sealed: bool = False) -> FileScan:
    """Read a log file from its start and judge every block.

    Parameters
    ----------
    path : path-like
    sealed : bool
        It is not the last file of its log: whatever stands behind the last good block is damage then.

    Returns
    -------
    FileScan
        `tail` is None when the last good block ends the file.

    Raises
    ------
    LogCorruptError
        It is no log file, or damaged: see "What a crash leaves behind" in FORMAT.md.
    OSError
        It cannot be read.

    Threads: any; a writer may append meanwhile, then the end is that of one moment. Cost: reads the whole file, some
    GB/s; memory is flat but for 32 bytes a block. The GIL is free while it reads and checks long blocks.
    """
    name = os.fspath(path)
    if parse_name(os.path.basename(name)) is None:  # noqa: PTH119 - a name, not a place
        raise LogCorruptError(name, 0, "no log file: its name is not 20 digits and .log")
    file = open_log_file(name)
    try:
        head = read_head(file.descriptor, name)
        if isinstance(head, TornHead) and (sealed or _good_blocks(file, name)):
            head = read_head(file.descriptor, name)  # again: its writer may have completed it meanwhile
            if isinstance(head, TornHead):
                raise LogCorruptError(name, head.offset, head.reason)
        if isinstance(head, TornHead):
            return _torn_whole(file, name)
        scan = Scan(file, name, head)
        scan.advance(sealed=sealed)
        return scan.result()
    finally:
        file.close()


class Scan:
    """The scan of one file, which can go on when the file has grown.

    Threads: one at a time. Cost: as `scan_file`.
    """

    def __init__(self, file: Descriptor, path: str, head: FileHead) -> None:
        self.head = head
        self.path = path
        self.reader = BlockReader(file, path)
        self.reader.start(head.size_bytes, head.first_sequence, head.crc, len(head.symbols))
        self.position, self.position_sequence = head.position, head.first_sequence - 1
        self.new_symbols: list[NDArray[np.void]] = []
        self.gaps: list[Gap] = []
        self.tail: TornTail | None = None

    def advance(self, *, sealed: bool = False, on_progress: Callable[[int], object] | None = None) -> None:
        """Pass all good blocks, and judge what stands behind; call `on_progress` with the offset now and then."""
        self.tail = None
        while True:
            while self._pass(on_progress):
                pass
            if self.reader.verdict == AT_END:
                return
            found = self._judge(sealed)
            if not self._moved():  # else a writer was just about to write that block
                break
        if self.reader.verdict == AT_END:  # a writer has cut it off meanwhile
            return
        if isinstance(found, LogCorruptError):
            raise found
        self.tail = found

    def _pass(self, on_progress: Callable[[int], object] | None) -> bool:
        """Pass some blocks; False: the next one is not good."""
        offset = self.reader.offset
        if block := self.reader.skim(offset + PROGRESS_BYTES):
            self._take(block)
        if on_progress is not None:
            on_progress(self.reader.offset)
        return self.reader.offset > offset

    def _take(self, block: Block) -> None:
        if block.position:
            self.position, self.position_sequence = block.position, block.last_sequence
        if block.type == GAP:
            self.gaps.append(gap_of(block))
        if block.symbols and block.records is not None:
            found = block.records.view(SYMBOL_DTYPE)
            self.new_symbols.append(found[found["kind"] == 2])

    def _judge(self, sealed: bool) -> TornTail | LogCorruptError:
        reader = self.reader
        if sealed or reader.verdict not in _CRASH_MAKES:
            return LogCorruptError(self.path, reader.offset, reader.reason)
        return judge_tail(reader.file, self.path, reader.offset, reader.next_sequence, reader.claimed())

    def _moved(self) -> bool:
        """Look at the same block again; whether it is good now."""
        offset = self.reader.offset
        if block := self.reader.skim():
            self._take(block)
        return self.reader.offset != offset

    def result(self) -> FileScan:
        """Return what is known so far."""
        reader = self.reader
        none = np.empty(0, SYMBOL_DTYPE)
        return FileScan(
            self.path,
            self.head,
            os.fstat(reader.file.descriptor).st_size,
            reader.offset,
            reader.next_sequence - 1,
            reader.last_crc,
            self.position,
            self.position_sequence,
            reader.records_passed,
            reader.blocks_passed,
            reader.symbols,
            reader.synced_sequence,
            np.concatenate([none, *self.new_symbols]),
            tuple(self.gaps),
            reader.entries(),
            self.tail,
        )


def border_reason(last_sequence: int, first_sequence: int) -> str:
    """Say what is wrong where a file ends with one sequence and the next begins with another one than is due."""
    wrong = "a file between them is missing" if last_sequence < first_sequence else "they overlap"
    return f"it ends with sequence {last_sequence}, the next file begins with {first_sequence}: {wrong}"


def judge_tail(
    file: Descriptor, path: str, offset: int, missing_sequence: int, claimed: int
) -> TornTail | LogCorruptError:
    """Say whether a crash can have left what stands from this offset on.

    Parameters
    ----------
    offset : int
        Behind the last good block.
    missing_sequence : int
        The first one that is not there.
    claimed : int
        Records that the first block of the tail says to have; 0: it does not say.

    Threads: any. Cost: reads the tail.
    """
    ahead = BlockReader(file, path)
    ahead.start(offset, missing_sequence)
    last_sequence = missing_sequence + claimed - 1
    try:
        while block := ahead.search():
            if block.synced_sequence >= missing_sequence:
                reason = (
                    f"records from sequence {missing_sequence} on are missing, and the block at byte {block.offset} "
                    f"says that those up to {block.synced_sequence} were on the disk"
                )
                return LogCorruptError(path, offset, reason)
            last_sequence = max(last_sequence, block.last_sequence)
    except OverflowError as error:
        return LogCorruptError(path, offset, str(error))
    lost = last_sequence - missing_sequence + 1
    return TornTail(offset, os.fstat(file.descriptor).st_size - offset, lost or None, path)


def _good_blocks(file: Descriptor, path: str) -> bool:
    """Whether a block that is good by itself stands anywhere in the file."""
    ahead = BlockReader(file, path)
    ahead.start(0, 1)
    try:
        return ahead.search() is not None
    except OverflowError:
        return True


def _torn_whole(file: Descriptor, path: str) -> FileScan:
    """Return the scan of a file whose head is torn, with nothing good behind it."""
    size_bytes = os.fstat(file.descriptor).st_size
    before = (parse_name(os.path.basename(path)) or (1,))[0] - 1  # noqa: PTH119 - a name, not a place
    none, entries = np.empty(0, SYMBOL_DTYPE), np.empty(0, ENTRY_DTYPE)
    tail = TornTail(0, size_bytes, None, path)
    return FileScan(path, None, size_bytes, 0, before, 0, b"", before, 0, 0, 0, 0, none, (), entries, tail)
