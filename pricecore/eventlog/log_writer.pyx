"""`LogWriter`: a log without an engine, for records that are ready."""

import os

cimport cython
cimport numpy as cnp
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from pricecore.delivery.symbol_record cimport SymbolRecord
from pricecore.eventlog.appender cimport (
    Durability, appender_begin, appender_end, appender_rotate_if_due, appender_sync, appender_write, place_set,
    written_sequence,
)
from pricecore.eventlog.digest cimport Digest
from pricecore.eventlog.flaws cimport BLOCK_RECORDS_AT_ONCE, FLAWLESS, Flaw, blocks_of, look_over
from pricecore.eventlog.format cimport MAX_POSITION_BYTES
from pricecore.eventlog.log_file cimport Place, file_close, process_id
from pricecore.metrics.histogram cimport HISTOGRAM_WORDS
from pricecore.prices.symbols cimport SymbolTable, name_count, name_find
from pricecore.primitives.segment cimport Segment
from pricecore.types cimport KIND_SYMBOL, RECORD_WORDS, Record

import numpy as np

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import LogReadOnlyError, WrongProcessError
from pricecore.eventlog.flaws import FLAWS
from pricecore.eventlog.log_index import write_missing_indexes
from pricecore.eventlog.log_life import DURABILITIES

cnp.import_array()


@cython.no_gc_clear             # __dealloc__ uses the folder
cdef class LogWriter:
    """Writes a log of ready records, without an engine: `EventLog.writer` makes it.

    Threads: one at a time.
    """

    def __cinit__(self, opened, options, known, max_symbols):
        cdef const unsigned char[::1] log_id = opened.log_id
        cdef const unsigned char[::1] position = opened.position
        memset(&self.log, 0, sizeof(Appender))
        self.log.file.descriptor = -1
        self.pid = process_id()
        self.opened, self.path = opened, opened.path
        self.segment = Segment(
            max_symbols=max_symbols, ring_capacity=1_024, latency_window=1, histogram_words=HISTOGRAM_WORDS)
        self.symbols = SymbolTable(self.segment)
        self.take_symbols(known)
        self.log.folder = opened.folder.descriptor
        self.log.durability = <Durability><int>DURABILITIES.index(options.durability)
        memcpy(self.log.origin.log_id, &log_id[0], 16)
        self.log.origin.generation = opened.generation
        self.log.names = self.symbols.names
        self.log.rotate_bytes, self.log.rotate_ns = options.rotate_bytes, int((options.rotate_s or 0) * 1e9)
        if position.shape[0]:
            place_set(&self.log, <const char*>&position[0], position.shape[0])
        self.check(appender_begin(&self.log, opened.last_sequence + 1, opened.last_sequence))

    def __dealloc__(self):
        if self.pid == process_id():
            appender_end(&self.log)
        file_close(&self.log.file)

    cdef int check(self, bint good) except -1:
        if not good:
            call = (<bytes>self.log.failed_call).decode()
            raise LogReadOnlyError(
                self.log.error, f"{call} failed at byte {self.log.failed_offset} of "
                f"{self.log.failed_file:020d}.log ({os.strerror(self.log.error)}); the log takes no more records",
                str(self.path))
        return 0

    cdef int check_process(self) except -1:
        if self.pid != process_id():
            raise WrongProcessError(f"this log is written by process {self.pid}, this is its child {process_id()}")
        return 0

    cdef int check_open(self) except -1:
        self.check_process()
        if self.log.error:
            self.check(False)
        if self.log.file.descriptor < 0:
            raise ValueError("this log writer is closed")
        return 0

    cdef int take_symbols(self, object records) except -1:
        """Enter the names of SYMBOL records that were judged."""
        cdef cnp.ndarray array = np.ascontiguousarray(records)
        cdef const SymbolRecord* record = <const SymbolRecord*>cnp.PyArray_DATA(array)
        cdef uint64_t i
        cdef set names = set()
        for i in range(<uint64_t>len(array)):       # all are judged before the first is entered
            name = <bytes>record[i].name[:record[i].length]
            if name in names or name_find(&self.symbols.names, record[i].name, record[i].length) >= 0:
                raise ValueError(f"record {record[i].sequence}: its name has an id already")
            names.add(name)
            if name_count(&self.symbols.names) + len(names) > self.symbols.names.capacity:
                raise ValueError(f"record {record[i].sequence}: all {self.symbols.names.capacity} symbols are taken; "
                                 f"pass max_symbols")
        for i in range(<uint64_t>len(array)):
            self.symbols.add(record[i].name, record[i].length, record[i].sequence)
        return 0

    def append(self, records):
        """Append records; they are durable, as the durability says, when this returns.

        Parameters
        ----------
        records : numpy.ndarray
            Of RECORD_DTYPE, one-dimensional. Sequences go on one by one from `next_sequence`; a symbol's SYMBOL
            record comes before its first update, and ids are given from 0 on.

        Returns
        -------
        int
            The last sequence of the log.

        Raises
        ------
        ValueError
            A record breaks a rule; its index and the rule are named, and nothing of the array is written.
        LogReadOnlyError
            The disk failed, now or before.

        Threads: one at a time. Cost: writes without the GIL, copies nothing; waits for the disk with durability "disk".
        """
        cdef cnp.ndarray array
        cdef const Record* first
        cdef Digest* digests
        cdef uint64_t n, index = 0, symbols = name_count(&self.symbols.names), before = symbols
        cdef Flaw flaw
        cdef bint good
        if not isinstance(records, np.ndarray) or records.dtype != RECORD_DTYPE or records.ndim != 1:
            raise TypeError("records must be a one-dimensional array of RECORD_DTYPE")
        self.check_open()
        array = np.ascontiguousarray(records)
        first, n = <const Record*>cnp.PyArray_DATA(array), <uint64_t>len(array)
        digests = <Digest*>malloc(max(blocks_of(n), <uint64_t>1) * sizeof(Digest))
        if digests == NULL:
            raise MemoryError()
        try:
            with nogil:
                flaw = look_over(first, n, self.log.file.next_sequence, &symbols, digests, &index)
            if flaw != FLAWLESS:
                raise ValueError(
                    f"record at index {index} (sequence {first[index].sequence}, the next one is "
                    f"{self.log.file.next_sequence + index}): {FLAWS[<int>flaw]}")
            if symbols != before:
                self.take_symbols(array[array["kind"] == KIND_SYMBOL])
            with nogil:
                good = self.write(<const uint64_t*>first, n, digests)
        finally:
            free(digests)
        self.check(good)
        return written_sequence(&self.log)

    cdef bint write(self, const uint64_t* records, uint64_t n, const Digest* digests) noexcept nogil:
        cdef uint64_t done = 0, count
        while done < n:
            count = min(n - done, <uint64_t>BLOCK_RECORDS_AT_ONCE)
            if not appender_write(&self.log, records + done * RECORD_WORDS, <uint32_t>count, digests, NULL):
                return False
            digests += 1
            if not appender_rotate_if_due(&self.log):
                return False
            done += count
        return True

    def mark(self, position):
        """Say that all records so far come from before this position of the source: 1 to 4,096 bytes.

        Raises
        ------
        TypeError, ValueError
            It is not bytes, or too long. LogReadOnlyError: the disk failed.

        Threads: one at a time. Cost: a small write.
        """
        cdef const unsigned char[::1] bytes_view
        cdef Place place
        if not isinstance(position, bytes):
            raise TypeError(f"a source position is bytes, not {type(position).__name__} {position!r:.100}")
        if not 1 <= len(position) <= <int>MAX_POSITION_BYTES:
            raise ValueError(
                f"a source position has 1 to {<int>MAX_POSITION_BYTES:,} bytes, this one has {len(position)}")
        self.check_open()
        bytes_view = position
        place.bytes, place.length = <const char*>&bytes_view[0], bytes_view.shape[0]
        self.check(appender_write(&self.log, NULL, 0, NULL, &place))

    def sync(self):
        """Wait until all that was appended is on the disk. Raises LogReadOnlyError. Threads: one at a time."""
        cdef bint good
        self.check_open()
        with nogil:
            good = appender_sync(&self.log)
        self.check(good)

    @property
    def next_sequence(self):
        """The sequence that the next record must have."""
        return self.log.file.next_sequence

    @property
    def closed(self):
        """True after `close`."""
        return self.log.file.descriptor < 0

    def close(self):
        """Sync and close the log. A second call does nothing. Raises LogReadOnlyError when the disk failed."""
        cdef bint good = True
        if self.log.file.descriptor >= 0:
            self.check_process()
            with nogil:
                good = appender_end(&self.log)
            if good:
                write_missing_indexes(self.path)
        self.opened.close()
        self.check(good)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
