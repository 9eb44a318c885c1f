"""Level 4: the files of a log, one behind the other: which one a block goes to, when the next begins, what is synced.

Contract    one thread at a time. Every function returns whether it went well; after the first failure the log takes
            nothing more from this writer: `error`, `failed_call` and `failed_offset` say what it was. A sync that
            failed is not tried again.
Invariants  the live file is open, and its header written, from appender_begin until appender_end. A gap is the first
            block of its file. What `sealed` holds is synced, in its order, and closed by whoever takes it out.
            synced_sequence never passes a file that was handed over and is not on the disk yet, nor one whose name is
            not. Behind a failure nothing is synced: it might succeed without having written what was lost.
Orderings   `sealed` is handed over under `seal_lock`.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from pricecore.eventlog.digest cimport Digest
from pricecore.eventlog.format cimport MAX_POSITION_BYTES, GapReason
from pricecore.eventlog.log_file cimport LogFile, Origin, Place
from pricecore.prices.symbols cimport NameTable

cdef enum Durability:               # when a record is acknowledged
    DURABLE_MEMORY = 0
    DURABLE_OS = 1
    DURABLE_DISK = 2

cdef enum:
    SEALED_PLACES = 16

cdef struct Sealed:                 # a file that is complete, and not synced yet
    int descriptor
    uint64_t first_sequence
    uint64_t last_sequence
    uint64_t bytes

cdef struct Appender:
    int folder                      # descriptor
    Durability durability
    Origin origin
    NameTable names
    LogFile file
    uint64_t rotate_bytes           # the file after which another one begins; 0: never
    int64_t rotate_ns
    Place place                     # of the source, in force
    char place_bytes[MAX_POSITION_BYTES]
    uint64_t blocks
    uint64_t bytes
    uint64_t syncs
    uint64_t gap_records
    int error
    const char* failed_call
    uint64_t failed_file            # its first sequence
    uint64_t failed_offset
    bint hands_over                 # files to sync, to whoever takes them out of `sealed`
    uint64_t seal_lock
    uint32_t sealed_count
    uint64_t handed_sequence        # the last one of the files that somebody else syncs
    uint64_t seal_synced            # the last one of those that are on the disk; others store it
    uint64_t own_synced             # the last one that was written when this thread synced
    bint is_named                   # the folder was synced since the live file was made
    Sealed sealed[SEALED_PLACES]


cdef bint appender_begin(Appender* log, uint64_t first, uint64_t introduced) noexcept nogil
cdef bint appender_write(
    Appender* log, const uint64_t* records, uint32_t count, const Digest* known, const Place* place) noexcept nogil
cdef bint appender_gap(Appender* log, uint64_t last_sequence, GapReason reason) noexcept nogil
cdef bint appender_rotate_if_due(Appender* log) noexcept nogil
cdef bint appender_sync(Appender* log) noexcept nogil
cdef void appender_note_synced(Appender* log) noexcept nogil
cdef bint appender_end(Appender* log) noexcept nogil
cdef bint appender_take_sealed(Appender* log, Sealed* sealed) noexcept nogil
cdef void place_set(Appender* log, const char* bytes, uint32_t length) noexcept nogil
cdef uint64_t written_sequence(const Appender* log) noexcept nogil
