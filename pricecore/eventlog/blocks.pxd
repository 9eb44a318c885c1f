"""Level 4: the blocks of one log file, read in order and judged.

Contract: `next` and `skim` move the place behind a block only when it is good (checking.pxd). When it is not, the
place stays, `verdict` says why, and what was read is forgotten: a writer may be just about to write it, so the next
call reads the file again.

Invariant: records handed out lie in the window's own memory, which is never written again once a block was taken out
of it. So they are valid as long as somebody holds them, whatever becomes of the file.

The file is read (`pread`), not mapped. A mapping saves one copy at the speed of memory, but a file that is cut by
others, or a disk that fails, would kill the process (SIGBUS) instead of raising an error. A window of up to a megabyte
stays in the processor's cache between the copy and the checksum, where a mapping pays page faults: reading and judging
blocks is as fast as numpy's `fromfile` of the same bytes.

Threads: one at a time; a second one gets a RuntimeError.
"""

from libc.stdint cimport int64_t, uint64_t

from pricecore.eventlog.checking cimport Content, Place
from pricecore.eventlog.format cimport BlockHeader
from pricecore.eventlog.stretches cimport Stretches
from pricecore.primitives.descriptor cimport Descriptor

cdef class Block:
    cdef readonly uint64_t offset
    cdef readonly uint64_t size_bytes
    cdef readonly int type
    cdef readonly int encoding
    cdef readonly uint64_t first_sequence
    cdef readonly uint64_t last_sequence
    cdef readonly uint64_t count
    cdef readonly int64_t least_ns
    cdef readonly int64_t greatest_ns
    cdef readonly uint64_t synced_sequence
    cdef readonly uint64_t crc
    cdef readonly uint64_t symbols
    cdef readonly uint64_t reason
    cdef readonly bytes position
    cdef readonly object records

cdef class BlockReader:
    cdef readonly Descriptor file
    cdef readonly str path
    cdef readonly int verdict
    cdef readonly uint64_t records_passed
    cdef readonly uint64_t blocks_passed
    cdef readonly uint64_t synced_sequence
    cdef Place place
    cdef bytes window
    cdef bint shared                # blocks were taken out of it
    cdef uint64_t window_offset
    cdef uint64_t filled
    cdef uint64_t chunk_bytes
    cdef uint64_t judged_bytes      # by search: read again and again, should somebody have made them for that
    cdef object expanded            # the records of an encoded block
    cdef Stretches stretches
    cdef uint64_t busy

    cdef int enter(self) except -1
    cdef void leave(self) noexcept
    cdef int want(self, uint64_t needed) except -1
    cdef int refill(self, uint64_t needed) except -1
    cdef inline const BlockHeader* header(self) noexcept
    cdef inline uint64_t available(self) noexcept
    cdef int examine(self, Content* content) except -2
    cdef int examine_records(self, Content* content) except -2
    cdef Block made(self, uint64_t symbols, bint with_records=*)
    cdef object records_of(self, const BlockHeader* header)
    cdef int pass_on(self, uint64_t symbols) except -1
