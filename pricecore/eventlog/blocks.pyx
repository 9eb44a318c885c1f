"""Reading blocks. Contract and invariants: blocks.pxd."""

import os

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memmove

from pricecore.eventlog.checking cimport (
    BAD_PAYLOAD, GOOD, Content, block_bytes, chain_verdict, header_verdict, hop_verdict,
    own_verdict, pass_block, records_verdict,
)
from pricecore.eventlog.format cimport (
    ALIGNMENT_BYTES, BLOCK_GAP, BLOCK_HEADER_BYTES, BLOCK_RECORDS, ENCODING_PLAIN, BlockHeader, GapPayload, padded,
)
from pricecore.eventlog.stretches cimport Stretch, stretches_add
from pricecore.primitives.atomics cimport exchange_seq_cst, store_release
from pricecore.primitives.descriptor cimport Descriptor
from pricecore.primitives.read_file cimport read_at
from pricecore.types cimport RECORD_BYTES, Record

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import PricecoreError
from pricecore.eventlog import checking

cnp.import_array()

AT_END = -1
"""The verdict where the file ends behind a good block."""

ENTRY_DTYPE = np.dtype(
    [("offset", "<u8"), ("first_sequence", "<u8"), ("least_ns", "<i8"), ("greatest_ns", "<i8")]
)
"""A stretch of blocks: see stretches.pxd."""

cdef enum:
    END = -1                        # AT_END
    FIRST_CHUNK_BYTES = 65_536      # a small log, or a look at one block, takes no more
    CHUNK_BYTES = 1_048_576
    GIL_BYTES = 65_536              # longer blocks are judged without it: some microseconds at most with it
    HOP_BYTES = 128                 # a header, and what a gap says
    SEARCH_SPARE_BYTES = 67_108_864
    SEARCH_FACTOR = 8


@cython.final
cdef class Block:
    """One good block. `records` is a read-only RECORD_DTYPE array, valid as long as it is held, or None when the block
    holds none, or they were not asked for; `position` is empty when it says nothing; `reason` is that of a gap.

    Threads: any. Cost: holds the window that it stands in, a megabyte or the block's size.
    """


@cython.final
cdef class BlockReader:
    """Reads the blocks of one open file; `start` comes first. See blocks.pxd.

    Threads: one at a time.
    Cost: a window of 64 KiB at first, then of a megabyte, or of the longest block.
    """

    def __cinit__(self, *_, **__):
        self.path = ""
        self.chunk_bytes = FIRST_CHUNK_BYTES
        self.window = b""

    def __init__(self, Descriptor file not None, str path not None):
        self.file = file
        self.path = path

    def __dealloc__(self):
        free(self.stretches.list)

    @property
    def offset(self):
        return self.place.offset

    @property
    def next_sequence(self):
        return self.place.next_sequence

    @property
    def last_crc(self):
        return self.place.crc

    @property
    def symbols(self):
        return self.place.symbols

    @property
    def reason(self):
        return "the file ends" if self.verdict == END else checking.VERDICTS[self.verdict]

    def start(self, uint64_t offset, uint64_t next_sequence, int64_t crc=-1, int64_t symbols=-1):
        """Go in front of a block: the first of a file with the crc of its header, another one with -1: not known.

        Parameters
        ----------
        offset, next_sequence : int
            Where it begins, and with which sequence.
        crc : int
            That it has to be chained to.
        symbols : int
            How many were introduced before it; -1: the ids are not judged.
        """
        self.enter()
        self.place.offset, self.place.next_sequence = offset, next_sequence
        self.place.crc = <uint32_t>crc if crc >= 0 else 0
        self.place.chained = crc >= 0
        self.place.at_start = crc >= 0
        self.place.symbols = symbols
        self.filled = 0
        self.leave()

    def resume(self, uint64_t offset, uint64_t next_sequence, int64_t crc, int64_t symbols):
        """Go behind a block that was found good before, whose crc this is."""
        self.start(offset, next_sequence, crc, symbols)
        self.place.at_start = False

    def next(self):
        """Return the next block; None when none is good, see `verdict`.

        Raises
        ------
        OSError
            The file cannot be read. PricecoreError: the block is compressed, and what expands it is not installed.
        """
        cdef Content content
        cdef Block block = None
        self.enter()
        try:
            self.verdict = self.examine(&content)
            if self.verdict == GOOD:
                block = self.made(content.symbols)
                self.pass_on(content.symbols)
            else:
                self.filled = 0
        finally:
            self.leave()
        return block

    def skim(self, uint64_t until_offset=0xFFFF_FFFF_FFFF_FFFF):
        """Pass blocks, and return the next one with symbols, a position or a gap; None as `next`, or, with the verdict
        0, when it came to this offset.

        `records_passed`, `blocks_passed` and `synced_sequence` count them all, `entries` lists them.
        """
        cdef Content content
        cdef Block block = None
        self.enter()
        try:
            while block is None:
                self.verdict = GOOD
                if self.place.offset >= until_offset:
                    break
                self.verdict = self.examine(&content)
                if self.verdict != GOOD:
                    self.filled = 0
                    break
                if not stretches_add(&self.stretches, self.place.offset, self.header()):
                    raise MemoryError
                if content.symbols or self.header().position_bytes or self.header().type != BLOCK_RECORDS:
                    block = self.made(content.symbols)
                self.pass_on(content.symbols)
        finally:
            self.leave()
        return block

    def hop(self):
        """Pass blocks by their headers alone, each chained to the one before: as `skim`, but payloads are not judged.

        Threads: one at a time. Cost: a short read a block, or everything when the blocks are short.
        """
        cdef const BlockHeader* header
        self.enter()
        try:
            while True:
                self.want(BLOCK_HEADER_BYTES + sizeof(GapPayload))
                header = self.header()
                self.verdict = END if self.available() == 0 else hop_verdict(header, self.available(), &self.place)
                if self.verdict != GOOD:
                    break
                if not stretches_add(&self.stretches, self.place.offset, header):
                    raise MemoryError
                self.chunk_bytes = HOP_BYTES if block_bytes(header) > FIRST_CHUNK_BYTES else FIRST_CHUNK_BYTES
                self.pass_on(0)
        finally:
            self.filled = 0
            self.leave()

    def claimed(self):
        """Return how many records the block that is not good says to have, when it continues what stands before it."""
        cdef const BlockHeader* header
        cdef int count = 0
        self.enter()
        try:
            self.want(BLOCK_HEADER_BYTES)
            header = self.header()
            if self.available() >= BLOCK_HEADER_BYTES and header_verdict(header) == GOOD:
                if header.previous_crc == self.place.crc and header.first_sequence == self.place.next_sequence:
                    count = header.count
        finally:
            self.leave()
        return count

    def search(self):
        """Move on to the next multiple of 64 where a block is good by itself; return it without its records, or None
        at the end. The place is behind it then: for looking at tails, not for reading.

        Raises
        ------
        OverflowError
            So many headers of long blocks stand there that looking at them all would take hours.
        """
        cdef Block block = None
        self.enter()
        try:
            while block is None:
                self.want(BLOCK_HEADER_BYTES)
                if self.available() < BLOCK_HEADER_BYTES:
                    break
                if header_verdict(self.header()) == GOOD:
                    self.want(block_bytes(self.header()))
                    self.judged_bytes += block_bytes(self.header())
                    if own_verdict(self.header(), self.available()) == GOOD:
                        block = self.made(0, False)
                        self.place.offset += block_bytes(self.header())
                        break
                    if self.judged_bytes > SEARCH_SPARE_BYTES + SEARCH_FACTOR * self.place.offset:
                        raise OverflowError("too many headers of blocks that are not good")
                self.place.offset += ALIGNMENT_BYTES
        finally:
            self.leave()
        return block

    def entries(self):
        """Return `ENTRY_DTYPE`: the stretches of blocks that `skim` or `hop` have passed; a copy."""
        cdef cnp.ndarray out
        self.enter()
        out = np.empty(self.stretches.count, ENTRY_DTYPE)
        if self.stretches.count:
            memcpy(cnp.PyArray_DATA(out), self.stretches.list, self.stretches.count * sizeof(Stretch))
        self.leave()
        return out

    cdef int enter(self) except -1:
        if exchange_seq_cst(&self.busy, 1):
            raise RuntimeError("another thread is reading with this reader: each needs its own")
        return 0

    cdef void leave(self) noexcept:
        store_release(&self.busy, 0)                    # pairs with enter

    cdef inline const BlockHeader* header(self) noexcept:
        return <const BlockHeader*>(PyBytes_AS_STRING(self.window) + (self.place.offset - self.window_offset))

    cdef inline uint64_t available(self) noexcept:
        """How many bytes of the window lie behind the place."""
        cdef uint64_t end = self.window_offset + self.filled
        return end - self.place.offset if self.window_offset <= self.place.offset <= end else 0

    cdef int want(self, uint64_t needed) except -1:
        """Have so many bytes behind the place in the window, or as many as the file has."""
        return 0 if self.available() >= needed else self.refill(needed)

    cdef int refill(self, uint64_t needed) except -1:
        cdef uint64_t kept = self.available()
        cdef uint64_t wanted = max(self.chunk_bytes, needed)
        cdef bytes before = self.window
        cdef const char* source = PyBytes_AS_STRING(before) + (self.place.offset - self.window_offset if kept else 0)
        cdef char* into
        cdef int64_t got
        cdef int descriptor = -1 if self.file is None else self.file.descriptor
        if self.shared or <uint64_t>PyBytes_GET_SIZE(before) < wanted:
            self.window = PyBytes_FromStringAndSize(NULL, wanted)
            self.shared = False
        into = PyBytes_AS_STRING(self.window)
        memmove(into, source, kept)
        self.window_offset = self.place.offset
        self.filled = kept
        with nogil:
            got = read_at(descriptor, into + kept, wanted - kept, self.window_offset + kept)
        if got < 0:
            self.filled = 0
            raise OSError(-got, os.strerror(-got), self.path)
        self.filled = kept + <uint64_t>got
        if self.filled == wanted:
            self.chunk_bytes = min(4 * self.chunk_bytes, <uint64_t>CHUNK_BYTES)
        PyErr_CheckSignals()
        return 0

    cdef int examine(self, Content* content) except -2:
        """Judge the block behind the place: a `Verdict`, or AT_END."""
        cdef const BlockHeader* header
        cdef uint64_t available
        cdef int verdict
        content.symbols = 0
        self.want(BLOCK_HEADER_BYTES)
        if self.available() == 0:
            return END
        if self.available() >= BLOCK_HEADER_BYTES and header_verdict(self.header()) == GOOD:
            self.want(block_bytes(self.header()))
        header, available = self.header(), self.available()
        if available > GIL_BYTES:
            with nogil:
                verdict = own_verdict(header, available)
        else:
            verdict = own_verdict(header, available)
        if verdict == GOOD:
            verdict = chain_verdict(header, &self.place)
        if verdict != GOOD or header.type != BLOCK_RECORDS:
            return verdict
        return self.examine_records(content)

    cdef int examine_records(self, Content* content) except -2:
        cdef const BlockHeader* header = self.header()
        cdef const Record* records = <const Record*>&header[1]
        cdef int verdict
        self.expanded = None
        if header.encoding != ENCODING_PLAIN:
            self.expanded = expanded(
                (<const char*>&header[1])[:header.stored_bytes], header.encoding, header.count * RECORD_BYTES
            )
            if self.expanded is None:
                return BAD_PAYLOAD
            records = <const Record*>cnp.PyArray_DATA(self.expanded)
        with nogil:
            verdict = records_verdict(records, header, &self.place, content)
        return verdict

    cdef Block made(self, uint64_t symbols, bint with_records=True):
        """Return the block behind the place, which is good."""
        cdef const BlockHeader* header = self.header()
        cdef Block block = Block.__new__(Block)
        cdef const char* position = <const char*>&header[1] + padded(header.stored_bytes)
        block.offset, block.size_bytes = self.place.offset, block_bytes(header)
        block.type, block.encoding, block.count = header.type, header.encoding, header.count
        block.first_sequence = header.first_sequence
        block.last_sequence = header.first_sequence + header.count - 1
        block.least_ns, block.greatest_ns = header.least_ns, header.greatest_ns
        block.synced_sequence, block.crc, block.symbols = header.synced_sequence, header.crc, symbols
        block.position = position[:header.position_bytes]
        if header.type == BLOCK_GAP:
            block.last_sequence = (<const GapPayload*>&header[1]).last_sequence
            block.reason = (<const GapPayload*>&header[1]).reason
        elif header.type == BLOCK_RECORDS and with_records:
            block.records = self.records_of(header)
        return block

    cdef object records_of(self, const BlockHeader* header):
        cdef uint64_t at = self.place.offset - self.window_offset + BLOCK_HEADER_BYTES
        if self.expanded is not None:
            found, self.expanded = self.expanded, None
            return found
        self.shared = True
        return np.frombuffer(self.window, RECORD_DTYPE, header.count, at)

    cdef int pass_on(self, uint64_t symbols) except -1:
        cdef const BlockHeader* header = self.header()
        self.records_passed += header.count
        self.blocks_passed += 1
        self.synced_sequence = max(self.synced_sequence, header.synced_sequence)
        pass_block(&self.place, header, symbols)
        return 0


def expanded(bytes stored not None, int encoding, uint64_t plain_bytes):
    """Return the records of an encoded payload as a read-only array; None when it is not what it says."""
    try:
        from pricecore.compression.records import decode_block
        from pricecore.errors import CompressionError
    except ImportError:
        raise PricecoreError(f"a compressed block (encoding {encoding}), which this pricecore cannot read") from None
    try:
        records = np.frombuffer(decode_block(stored, encoding, plain_bytes), RECORD_DTYPE)
    except CompressionError:
        return None
    records.setflags(write=False)
    return records
