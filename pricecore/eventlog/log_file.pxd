"""Level 4: one file of a log, open for appending: headers, checksums, writes. FORMAT.md describes the bytes.

Contract    one thread at a time. Every function returns 0 or the number of the system's error; after one, what stands
            behind `bytes` in the file is a torn tail, and nothing may be written there any more.
Invariants  `crc` chains the next block to the last one, `next_sequence` is that block's first.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pricecore.eventlog.digest cimport Digest
from pricecore.eventlog.format cimport BlockHeader, GapReason
from pricecore.prices.symbols cimport NameTable

cdef extern from "log_io.h" nogil:
    struct Part "pc_part":
        void* iov_base
        size_t iov_len
    int create_file "pc_create" (int folder, const char* name, int* made) noexcept
    int write_parts "pc_write_parts" (int file, Part* parts, int n) noexcept
    int sync_data "pc_sync_data" (int file) noexcept
    int sync_names "pc_sync_folder" (int folder) noexcept
    void close_log_file "pc_close_log_file" (int file) noexcept
    int64_t process_id "pc_process_id" () noexcept

cdef struct LogFile:
    int descriptor                  # -1: none
    uint32_t crc
    uint64_t first_sequence
    uint64_t next_sequence
    uint64_t bytes                  # its length, as far as it is good
    uint64_t head_bytes             # header, symbols, position
    int64_t began_ns                # steady clock
    uint64_t synced_sequence        # of the whole log: what blocks say of it


cdef struct Origin:                 # what every file of a writer has in its header
    uint8_t log_id[16]
    uint64_t generation


cdef struct Place:                  # of the source; NULL: a block says nothing of it
    uint32_t length
    const char* bytes


cdef int file_begin(
    LogFile* file, int folder, const Origin* origin, const NameTable* names, uint64_t first, uint64_t introduced,
    const Place* place
) noexcept nogil
cdef int file_append(
    LogFile* file, const uint64_t* records, uint32_t count, const Digest* known, const Place* place) noexcept nogil
cdef int file_append_gap(LogFile* file, uint64_t last_sequence, GapReason reason) noexcept nogil
cdef void file_close(LogFile* file) noexcept nogil
