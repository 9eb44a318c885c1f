"""Which file of a log a block goes to, and when the next one begins. Contract: appender.pxd."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from pricecore.eventlog.format cimport GapReason
from pricecore.eventlog.log_file cimport (
    Place, file_append, file_append_gap, file_begin, file_close, sync_data, sync_names,
)
from pricecore.primitives.atomics cimport load_relaxed
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns
from pricecore.primitives.spin cimport spin_lock, spin_unlock

cdef extern from *:
    """
    #if defined(_WIN32)
    #define pc_unlink_at(folder, name) ((void)(folder), (void)(name), 0)
    #else
    #include <fcntl.h>
    #include <unistd.h>
    #define pc_unlink_at(folder, name) unlinkat((folder), (name), 0)
    #endif
    """
    int unlink_at "pc_unlink_at" (int folder, const char* name) noexcept nogil

cdef enum:
    FILE_NAME_BYTES = 32


cdef bint went_well(Appender* log, int error, const char* call) noexcept nogil:
    if error == 0:
        return True
    if log.error == 0:
        log.error, log.failed_call = error, call
        log.failed_file, log.failed_offset = log.file.first_sequence, log.file.bytes
    return False


cdef uint64_t written_sequence(const Appender* log) noexcept nogil:
    """The last sequence that the files hold, or name as missing."""
    return log.file.next_sequence - 1


cdef void place_set(Appender* log, const char* bytes, uint32_t length) noexcept nogil:
    """Remember the source position in force; at most MAX_POSITION_BYTES."""
    memcpy(log.place_bytes, bytes, length)
    log.place.bytes, log.place.length = log.place_bytes, length


cdef bint appender_begin(Appender* log, uint64_t first, uint64_t introduced) noexcept nogil:
    """Begin the file whose first record is `first`; its head has the symbols up to the sequence `introduced`."""
    log.is_named = False
    if not went_well(log, file_begin(
            &log.file, log.folder, &log.origin, &log.names, first, introduced, &log.place), b"create"):
        return False
    log.bytes += log.file.bytes
    return log.durability != DURABLE_DISK or appender_sync(log)


cdef bint appender_write(
    Appender* log, const uint64_t* records, uint32_t count, const Digest* known, const Place* place
) noexcept nogil:
    """Append the next records, which come from before this place of the source (NULL: unknown). `known` is their
    digest (NULL: not found yet)."""
    cdef uint64_t before = log.file.bytes
    if not went_well(log, file_append(&log.file, records, count, known, place), b"write"):
        return False
    if place != NULL:
        place_set(log, place.bytes, place.length)
    log.blocks += 1
    log.bytes += log.file.bytes - before
    return log.durability != DURABLE_DISK or appender_sync(log)


cdef bint appender_sync(Appender* log) noexcept nogil:
    """Wait until all that was written, and the file's name, is on the disk. Not behind a failure: see Invariants."""
    if log.error:
        return False
    log.syncs += 1
    if not went_well(log, sync_data(log.file.descriptor), b"fdatasync"):
        return False
    # The name is worth nothing before what it leads to.
    if not log.is_named and not went_well(log, sync_names(log.folder), b"fsync of the folder"):
        return False
    log.is_named, log.own_synced = True, written_sequence(log)
    appender_note_synced(log)
    return True


cdef void appender_note_synced(Appender* log) noexcept nogil:
    """Find out how far the log is on the disk: what this thread synced counts when all files before it are, too."""
    cdef uint64_t handed = load_relaxed(&log.seal_synced)      # a number alone: what it says happened in the system
    cdef uint64_t known = log.own_synced if handed >= log.handed_sequence else 0
    log.file.synced_sequence = max(log.file.synced_sequence, max(known, handed))


cdef void lock_sealed(Appender* log) noexcept nogil:
    """Held for a few words; pairs with unlock_sealed."""
    spin_lock(&log.seal_lock)


cdef void unlock_sealed(Appender* log) noexcept nogil:
    spin_unlock(&log.seal_lock)


cdef bint hand_over(Appender* log) noexcept nogil:
    """Leave the file to whoever syncs it meanwhile; False: there is no place, or no need."""
    cdef bint done = False
    if log.durability == DURABLE_DISK or not log.hands_over:
        return False
    lock_sealed(log)
    if log.sealed_count < <uint32_t>SEALED_PLACES:
        log.sealed[log.sealed_count] = Sealed(
            log.file.descriptor, log.file.first_sequence, written_sequence(log), log.file.bytes)
        log.sealed_count += 1
        log.handed_sequence = written_sequence(log)
        log.file.descriptor = -1
        done = True
    unlock_sealed(log)
    return done


cdef bint appender_take_sealed(Appender* log, Sealed* sealed) noexcept nogil:
    """Take out the oldest file that waits for its sync; False: there is none. Any thread."""
    cdef uint32_t i
    lock_sealed(log)
    cdef bint found = log.sealed_count != 0
    if found:
        sealed[0] = log.sealed[0]
        log.sealed_count -= 1
        for i in range(log.sealed_count):
            log.sealed[i] = log.sealed[i + 1]
    unlock_sealed(log)
    return found


cdef bint seal(Appender* log) noexcept nogil:
    if hand_over(log):
        return True
    cdef bint good = appender_sync(log)
    file_close(&log.file)
    return good


cdef bint has_blocks(const Appender* log) noexcept nogil:
    return log.file.next_sequence != log.file.first_sequence


cdef bint drop_empty_file(Appender* log) noexcept nogil:
    """Remove a live file without records: its name is that of the one to begin."""
    cdef char[FILE_NAME_BYTES] name
    snprintf(name, FILE_NAME_BYTES, b"%020llu.log", <unsigned long long>log.file.first_sequence)
    unlink_at(log.folder, name)                 # what it may have beside its head is the place in force
    file_close(&log.file)
    return True


cdef bint appender_gap(Appender* log, uint64_t last_sequence, GapReason reason) noexcept nogil:
    """Say that the records up to `last_sequence` are missing: in a new file, whose head has their symbols."""
    cdef uint64_t first = log.file.next_sequence
    if not (seal(log) if has_blocks(log) else drop_empty_file(log)):
        return False
    if not appender_begin(log, first, last_sequence):
        return False
    log.gap_records += last_sequence - first + 1
    if not went_well(log, file_append_gap(&log.file, last_sequence, reason), b"write"):
        return False
    return log.durability != DURABLE_DISK or appender_sync(log)


cdef bint is_due(const Appender* log) noexcept nogil:
    if not has_blocks(log):
        return False
    # A head of many symbols must not be most of what is written.
    if log.rotate_bytes and log.file.bytes >= max(log.rotate_bytes, 2 * log.file.head_bytes):
        return True
    return log.rotate_ns != 0 and clock_ns(CLOCK_STEADY) - log.file.began_ns >= log.rotate_ns


cdef bint appender_rotate_if_due(Appender* log) noexcept nogil:
    """Begin the next file when the live one is large or old enough."""
    if not is_due(log):
        return True
    return seal(log) and appender_begin(log, log.file.next_sequence, written_sequence(log))


cdef bint note_end(Appender* log) noexcept nogil:
    """Write down that all of the file is on the disk: whatever is missing there later was not torn by a crash."""
    if not has_blocks(log):
        return True
    return went_well(log, file_append(&log.file, NULL, 0, NULL, NULL), b"write")


cdef bint appender_end(Appender* log) noexcept nogil:
    """Sync and close the live file; behind a failure only close it."""
    cdef bint good = log.error == 0
    if log.file.descriptor >= 0:
        good = appender_sync(log) and note_end(log)
    file_close(&log.file)
    return good
